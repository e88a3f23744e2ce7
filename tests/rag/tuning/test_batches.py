"""Batches hold examples of about one length; every example comes once an epoch."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.tuning.batches import Encoded, batches
from rag.tuning.train import rate


@settings(max_examples=50)
@given(st.lists(st.integers(1, 60), max_size=60), st.integers(10, 200), st.sampled_from([None, "1 0", "1 1"]))
def test_batches_stay_within_their_tokens_and_lose_nothing(lengths: list[int], tokens: int, seed: str | None) -> None:
    encoded = [Encoded((n,) * length, (0,)) for n, length in enumerate(lengths)]
    made = batches(encoded, tokens, seed)
    assert Counter(e for batch in made for e in batch) == Counter(encoded)
    assert all(len(batch) == 1 or max(map(len, batch)) * len(batch) <= tokens for batch in made)


def test_little_of_a_batch_is_padding() -> None:
    rng = random.Random(0)
    encoded = [Encoded((n,) * rng.randint(50, 500), (0,)) for n in range(500)]
    made = batches(encoded, 1024, "0 0")
    padded = sum(max(map(len, batch)) * len(batch) for batch in made)
    assert sum(map(len, encoded)) > 0.97 * padded


def test_every_epoch_has_its_own_order_and_a_seed_repeats_it() -> None:
    encoded = [Encoded((n,) * 10, (0,)) for n in range(50)]
    assert batches(encoded, 40, "0 0") == batches(encoded, 40, "0 0")
    assert batches(encoded, 40, "0 0") != batches(encoded, 40, "0 1")


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    rates = [rate(step, 100, 0.1) for step in range(101)]
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] < 1e-9
    assert rate(0, 1, 0.05) == 1.0
