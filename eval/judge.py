"""A language model as judge between two systems' answers, in JudgeLM's format.

JudgeLM (Zhu et al., ICLR 2025, arXiv 2310.17631) shows the question, perhaps a reference answer, and two answers
between marks, and wants the two scores from 1 to 10 on the first line, the reasons after it. Judges favour a place,
so each pair is judged in both orders, and how often the two judgements agree is reported: `consistency`, with the
share of pairs in which the first or the second place was favoured (`favours_first`, `favours_second`).

An answer wins where it wins in both orders, or in one with a tie in the other; where the orders name different
winners the pair is a tie that is told apart (`contradictory`). A judgement whose first line is not two numbers from
1 to 10 is counted as unparsable and its pair left out of every figure; nothing is guessed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from eval.datasets import Progress
from eval.stats import interval, randomisation_test
from rag.errors import UsageError
from rag.protocols import GenerationLimits, Generator, Message

SYSTEM = "You are a helpful and precise assistant for checking the quality of the answer."
INSTRUCTION = (
    "Please judge the two answers to the user question shown above. Rate the helpfulness, relevance, accuracy and "
    "level of detail of each. Each assistant receives an overall score from 1 to 10; higher is better.\n"
    "First output a single line that holds only two values, the scores of Assistant 1 and Assistant 2 in this order, "
    "separated by a space. On the next line, explain your judgement. The order in which the answers are shown must "
    "not affect it."
)
LOWEST, HIGHEST = 1.0, 10.0
SCORE_TOKENS = 24
"""Enough for the line of scores: the explanation is not waited for."""
EXPLANATION_TOKENS = 400

Scores = tuple[float, float]
Winner = Literal["a", "b", "tie"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two systems' answers to one question."""

    id: str
    question: str
    a: str
    b: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge said of a pair.

    Attributes:
        id: Of the pair.
        forward: Scores of A and B where A was shown first; `None`: unparsable.
        backward: Scores of A and B where B was shown first; `None`: unparsable.
        said: What it wrote, in both orders.
    """

    id: str
    forward: Scores | None
    backward: Scores | None
    said: tuple[str, str]


def messages(question: str, first: str, second: str, reference: str = "") -> list[Message]:
    """The prompt of one judgement."""
    given = f"[Reference Answer]\n{reference}\n\n" if reference else ""
    shown = "".join(
        f"[The Start of Assistant {number}'s Answer]\n{answer}\n\n[The End of Assistant {number}'s Answer]\n\n"
        for number, answer in ((1, first), (2, second))
    )
    task = f"[Question]\n{question}\n\n{given}{shown}[System]\n{INSTRUCTION}\n\n### Response:"
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]


def parse_scores(said: str) -> Scores | None:
    """The two scores of a judgement's first line, parted by spaces or a comma; `None` where it is no such line."""
    first = next((line for line in said.splitlines() if line.strip()), "")
    tokens = first.replace(",", " ").split()
    if len(tokens) != 2 or not all(re.fullmatch(r"\d+(\.\d+)?", token) for token in tokens):
        return None
    one, two = float(tokens[0]), float(tokens[1])
    return (one, two) if min(one, two) >= LOWEST and max(one, two) <= HIGHEST else None


def judged(pairs: Sequence[Pair], judge: Generator, progress: Progress, *, explain: bool = False) -> list[Judgement]:
    """Judges every pair in both orders.

    Args:
        pairs: What to judge.
        judge: The model.
        progress: See `eval.datasets`.
        explain: Let it write its reasons, which costs time.

    Raises:
        UsageError: A pair is longer than the judge reads.
        GenerationError: The judge failed.
    """
    limits = GenerationLimits(EXPLANATION_TOKENS if explain else SCORE_TOKENS)
    _check_lengths(pairs, judge, limits)

    def ask(prompt: Sequence[Message]) -> str:
        return "".join(judge.stream(prompt, limits, threading.Event())).strip()

    found = []
    for pair in progress(f"Asking {judge.name}", pairs, len(pairs)):
        forward = ask(messages(pair.question, pair.a, pair.b, pair.reference))
        backward = ask(messages(pair.question, pair.b, pair.a, pair.reference))
        swapped = parse_scores(backward)
        found.append(
            Judgement(
                pair.id,
                parse_scores(forward),
                None if swapped is None else (swapped[1], swapped[0]),
                (forward, backward),
            )
        )
    return found


def _check_lengths(pairs: Sequence[Pair], judge: Generator, limits: GenerationLimits) -> None:
    if judge.device == "server":  # how much it reads is not known here; it says so itself
        return
    for pair in pairs:
        length = judge.prompt_tokens(messages(pair.question, pair.a, pair.b, pair.reference))
        if length + limits.max_new_tokens > judge.context_tokens:
            raise UsageError(
                f"The pair {pair.id!r} makes a prompt of {length:,} tokens, and {judge.name} reads "
                f"{judge.context_tokens:,}. Name a judge with a longer context."
            )


def winner(scores: Scores) -> Winner:
    """Who has the higher score."""
    return "tie" if scores[0] == scores[1] else "a" if scores[0] > scores[1] else "b"


def verdict(forward: Scores, backward: Scores) -> Winner | Literal["contradictory"]:
    """Who wins a pair that was judged in both orders."""
    one, other = winner(forward), winner(backward)
    if {one, other} == {"a", "b"}:
        return "contradictory"
    return other if one == "tie" else one


def summary(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Wins, ties, consistency, favoured places and mean scores with intervals, over pairs judged in both orders."""
    both = [(j.forward, j.backward) for j in judgements if j.forward is not None and j.backward is not None]
    verdicts = [verdict(forward, backward) for forward, backward in both]
    counts = {name: verdicts.count(name) for name in ("a", "b", "tie", "contradictory")}
    result: dict[str, Any] = {
        "pairs": len(judgements),
        "judged": len(both),
        "unparsable": sum((j.forward is None) + (j.backward is None) for j in judgements),
        "wins": counts,
    }
    if not both:
        return result
    places = [_favoured(forward, backward) for forward, backward in both]
    a = [(forward[0] + backward[0]) / 2 for forward, backward in both]
    b = [(forward[1] + backward[1]) / 2 for forward, backward in both]
    margin = [x - y for x, y in zip(a, b, strict=True)]
    shares = {
        "consistency": [float(winner(forward) == winner(backward)) for forward, backward in both],
        "favours_first": [float(place == 1) for place in places],
        "favours_second": [float(place == 2) for place in places],
        "a_wins": [float(name == "a") for name in verdicts],
        "b_wins": [float(name == "b") for name in verdicts],
    }
    for name, values in {**shares, "score_a": a, "score_b": b, "margin": margin}.items():
        low, high = interval(values)
        result[name] = {"value": sum(values) / len(values), "low": low, "high": high}
    result["p"] = randomisation_test(a, b)
    return result


def _favoured(forward: Scores, backward: Scores) -> int:
    """Which place did better by being that place: 1, 2, or 0 for neither."""
    order = {"a": 1, "tie": 0, "b": -1}
    moved = order[winner(forward)] - order[winner(backward)]
    return 1 if moved > 0 else 2 if moved < 0 else 0


def pairs_of(
    questions: Mapping[str, str],
    a: Mapping[str, str],
    b: Mapping[str, str],
    references: Mapping[str, str],
) -> list[Pair]:
    """Pairs of the questions that both systems answered.

    Args:
        questions: Text by id.
        a: The one's answers by id.
        b: The other's.
        references: Reference answers by id, as far as there are any.
    """
    shared = [name for name in questions if name in a and name in b]
    return [Pair(name, questions[name], a[name], b[name], references.get(name, "")) for name in shared]


def as_rows(pairs: Sequence[Pair], judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """A row a pair, for JSON: what was judged, both judgements and the verdict (`None`: unparsable)."""
    rows = []
    for pair, found in zip(pairs, judgements, strict=True):
        settled = None
        if found.forward is not None and found.backward is not None:
            settled = verdict(found.forward, found.backward)
        rows.append({**asdict(found), "question": pair.question, "verdict": settled})
    return rows
