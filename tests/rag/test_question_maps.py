"""Questions are moved, a little, and stay vectors of unit length; abstracts are not touched."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.questions import QuestionMaps, fitted
from rag.late import unit

MAPS = fitted()


def drawn(seed: int, *shape: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@given(st.integers(0, 2**32 - 1))
def test_what_is_moved_has_length_one(seed: int) -> None:
    assert np.isclose(np.linalg.norm(MAPS.moved(drawn(seed, 384))), 1.0, atol=1e-5)
    assert np.allclose(np.linalg.norm(MAPS.moved_tokens(drawn(seed, 7, 64)), axis=1), 1.0, atol=1e-5)


def test_a_question_is_moved_but_stays_near_itself() -> None:
    vectors = drawn(0, 100, 384)
    likeness = [float(vector @ MAPS.moved(vector)) for vector in vectors]
    assert 0.7 < min(likeness) <= max(likeness) < 0.9999


def test_a_question_without_content_words_has_no_tokens_to_move() -> None:
    assert MAPS.moved_tokens(np.zeros((0, 64), np.float32)).shape == (0, 64)


def test_maps_of_nothing_change_nothing() -> None:
    nothing = QuestionMaps(np.zeros((8, 8), np.float32), np.zeros(8, np.float32), np.zeros((4, 4), np.float32))
    assert np.allclose(nothing.moved(drawn(1, 8)), drawn(1, 8))
    assert np.allclose(nothing.moved_tokens(drawn(1, 3, 4)), drawn(1, 3, 4))
