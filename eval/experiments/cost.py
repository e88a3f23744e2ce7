"""What reading will take, told before it begins; and how many questions a run can afford."""

from __future__ import annotations

import time
from collections.abc import Sequence

from eval.experiments.contexts import Trial
from eval.experiments.items import Item
from eval.experiments.readers import Reader

MINUTES = 20.0
"""A run whose number of questions nobody named takes about so long."""

PROBE_TOKENS = 1000
PROBED = 60
"""Trials among which one of about `PROBE_TOKENS` is looked for."""


def fits(tokens: int, reader: Reader) -> bool:
    """Is there room for a prompt of so many tokens and its answer?"""
    return reader.context_tokens is None or tokens + reader.new_tokens <= reader.context_tokens


def seconds(tokens: int, reader: Reader) -> float:
    """Time to read a prompt and to write half of the longest answer; 0 where nothing is known (servers).

    On the CPU: fitted to the bundled 135M model on two cores, alone on the machine: 327, 1,642 and 3,298 tokens in
    0.3, 2.1 and 5.6 s, then 24, 14 and 8 tokens a second. On a GPU: a model of a few billion parameters, roughly.
    """
    if not tokens:
        return 0.0
    written = reader.new_tokens / 2
    if reader.device == "cpu":
        return tokens / 1000 + 2.1e-7 * tokens**2 + written * (0.035 + 2.7e-5 * tokens)
    return tokens / 8000 + written / 40 if reader.device == "cuda" else 0.0


def pace(trials: Sequence[Trial], reader: Reader) -> float:
    """How many times longer than `seconds` says reading takes on this machine.

    One prompt is read twice, the second time by the clock.

    1 where there is nothing to be timed: on servers, which others use as well, and on GPUs.
    """
    if reader.device != "cpu" or not reader.new_tokens:
        return 1.0
    lengths = {trial.key: reader.tokens(trial.item, trial.passages) for trial in trials[:PROBED]}
    fitting = [trial for trial in trials[:PROBED] if lengths[trial.key] and fits(lengths[trial.key], reader)]
    if not fitting:
        return 1.0
    probe = min(fitting, key=lambda trial: abs(lengths[trial.key] - PROBE_TOKENS))
    for _ in range(2):  # the first time is spent on loading code and filling caches
        start = time.perf_counter()
        reader.read(probe.item, probe.passages)
        took = time.perf_counter() - start
    return max(0.1, took / seconds(lengths[probe.key], reader))


def told(lengths: Sequence[int], kept: int, reader: Reader, slower: float = 1.0) -> str:
    """The estimate, for the user.

    Args:
        lengths: Tokens of each prompt that is to be read.
        kept: Results of an earlier run.
        reader: Who reads.
        slower: Than the estimate, as `pace` gives it.
    """
    earlier = f", {kept:,} kept from an earlier run" if kept else ""
    total = sum(lengths)
    if not total:
        return f"{len(lengths):,} contexts to read{earlier}"
    minutes = sum(seconds(tokens, reader) for tokens in lengths) * slower / 60
    if not minutes:
        took = "how long depends on the server"
    elif reader.device == "cpu":
        took = f"about {max(1, round(minutes))} min on this machine with nothing else to do"
    else:
        took = f"about {max(1, round(minutes))} min with a model of a few billion parameters"
    return f"{len(lengths):,} prompts of {total:,} tokens together{earlier}: {took}"


def affordable(trials: Sequence[Trial], items: Sequence[Item], reader: Reader, slower: float = 1.0) -> list[Item]:
    """The first items whose trials take `MINUTES` together by the estimate and this machine's `pace`; one at least."""
    spent = dict.fromkeys((item.id for item in items), 0.0)
    for trial in trials:
        tokens = reader.tokens(trial.item, trial.passages)
        if fits(tokens, reader):
            spent[trial.item.id] += seconds(tokens, reader) * slower
    chosen: list[Item] = []
    total = 0.0
    for item in items:
        total += spent[item.id]
        if chosen and total > MINUTES * 60:
            break
        chosen.append(item)
    return chosen
