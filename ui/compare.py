"""Two settings over the same questions: what is asked, what came out, and what differs. Knows nothing of Gradio."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median
from typing import Any

from rag.config import without_password
from rag.errors import UsageError
from rag.serialize import answer_to_dict
from rag.types import Answer, Verdict
from ui import texts
from ui.preferences import Preferences, read

MOST = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one setting made of a question: an answer, or why there is none."""

    answer: Answer | None = None
    error: str = ""

    @property
    def papers(self) -> tuple[str, ...]:
        """Ids of the papers whose evidence was read, by number."""
        return tuple(passage.paper.id for passage in self.answer.context.passages) if self.answer else ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A question and what the two settings made of it; `None`: not yet, or stopped before."""

    question: str
    outcomes: tuple[Outcome | None, Outcome | None] = (None, None)

    def shared(self) -> float | None:
        """Share of the papers that either setting read which both read; nothing where neither read any."""
        first, second = (set(outcome.papers) if outcome else set() for outcome in self.outcomes)
        return len(first & second) / len(first | second) if all(self.outcomes) and first | second else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two settings and the questions they were compared on."""

    settings: tuple[Preferences, Preferences]
    rows: tuple[Compared, ...]

    def with_outcome(self, place: int, side: int, outcome: Outcome) -> Comparison:
        """The same with one answer more."""
        row = self.rows[place]
        outcomes = (outcome, row.outcomes[1]) if side == 0 else (row.outcomes[0], outcome)
        rows = (*self.rows[:place], replace(row, outcomes=outcomes), *self.rows[place + 1 :])
        return replace(self, rows=rows)

    def summary(self, side: int) -> dict[str, float]:
        """Counts and means of one setting over the questions it has answered."""
        outcomes = [found for row in self.rows if (found := row.outcomes[side])]
        answers = [outcome.answer for outcome in outcomes if outcome.answer]
        modes = Counter(answer.mode for answer in answers)
        shown = [sentence for answer in answers for sentence in answer.sentences]
        return {
            **{mode: modes[mode] for mode in ("generated", "quoted", "refused")},
            "failed": len(outcomes) - len(answers),
            "sentences": len(shown),
            "supported": sum(sentence.support.verdict is Verdict.SUPPORTED for sentence in shown),
            "withheld": sum(len(answer.withheld) for answer in answers),
            "papers": fmean(len(outcome.papers) for outcome in outcomes) if outcomes else 0.0,
            "seconds": median(answer.timings.total_ms for answer in answers) / 1000 if answers else 0.0,
        }

    def shared(self) -> float | None:
        """Mean of the rows' `Compared.shared`."""
        found = [share for row in self.rows if (share := row.shared()) is not None]
        return fmean(found) if found else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the settings, and every answer in the contract's form."""
        return {
            "settings": [asdict(setting) | {"model": without_password(setting.model)} for setting in self.settings],
            "rows": [
                {
                    "question": row.question,
                    "answers": [answer_to_dict(o.answer) if o and o.answer else None for o in row.outcomes],
                    "errors": [o.error or None if o else None for o in row.outcomes],
                }
                for row in self.rows
            ],
        }


def setting(sent: Mapping[str, Any], own: Preferences) -> Preferences:
    """One side of the form, over the reader's own choice of a model."""
    k = sent.get("k")
    known = {name: sent.get(name) for name in ("profile", "ordering", "support")}
    number = int(k) if isinstance(k, str) and k.strip().isdecimal() else k
    return read({**known, "k": number, "model": own.model, "quotes_only": sent.get("answers") == "quotes"})


def questions(text: str) -> list[str]:
    """The questions that stand in a text, each once: one a line, or JSON lines with `question`.

    Raises:
        UsageError: There is none, or a line of JSON holds none.
    """
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            found[_question(line.strip(), number)] = None
    if not found:
        raise UsageError(texts.COMPARE_NONE)
    return list(found)


def _question(line: str, number: int) -> str:
    if not line.startswith("{"):
        return line
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = {}
    words: Sequence[Any] = [record.get(name) for name in ("question", "text", "query")]
    question = next((word.strip() for word in words if isinstance(word, str) and word.strip()), "")
    if not question:
        raise UsageError(texts.COMPARE_NO_QUESTION.format(line=number))
    return " ".join(question.split())
