"""Citation recall and precision as ALCE defines them (Gao et al., EMNLP 2023, arXiv 2305.14627, section 4.3).

phi(passages, statement) is 1 where the passages together entail the statement. ALCE asks an NLI model of
11 billion parameters; here the program's own support checker stands in its place (`Checker`).

- Recall of a statement is 1 where it cites at least one passage and phi(all it cites, statement) = 1.
- Precision of a citation is 1 where its statement has recall 1 and the citation is not irrelevant. It is
  irrelevant where phi(its passage alone, statement) = 0 and phi(the others it cites, statement) = 1.
- An answer's recall is the mean over its statements; its precision the mean over its citations, 0 where it has
  none. Citations of statements without recall count. A number nobody handed out makes recall 0, and the
  statement's citations then do not count. At most three citations of a statement are looked at.
- A system's figures are means over answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.support import SupportChecker
from rag.text import searchable, sentences
from rag.types import Chunk, NumberedPassage, Paper, ScoredPassage, Verdict

AT_MOST = 3
"""Citations of a statement that are looked at, as in ALCE's own runs."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage as far as it was cited."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer without its markers, and the numbers it cites."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CitationScores:
    """Of one answer.

    Attributes:
        recall: Mean over statements.
        precision: Mean over citations; 0 without any.
        carried: Recall of each statement, in order.
        citations: How many citations were counted.
    """

    recall: float
    precision: float
    carried: tuple[bool, ...]
    citations: int


Entails = Callable[[Sequence[Cited], str], bool]
"""phi: do these passages together entail the statement?"""


def citation_scores(
    statements: Sequence[Statement], passages: Mapping[int, Cited], entails: Entails
) -> CitationScores | None:
    """ALCE's scores of one answer; `None` where it has no statement.

    Args:
        statements: In order.
        passages: By the number that cites them.
        entails: phi.
    """
    if not statements:
        return None
    carried: list[bool] = []
    precise = counted = 0
    for statement in statements:
        numbers = statement.citations
        if not numbers or any(number not in passages for number in numbers):
            carried.append(False)
            continue
        cited = [passages[number] for number in numbers[:AT_MOST]]
        counted += len(cited)
        is_carried = entails(cited, statement.text)
        carried.append(is_carried)
        if is_carried:
            precise += sum(not _irrelevant(cited, place, statement.text, entails) for place in range(len(cited)))
    return CitationScores(
        recall=sum(carried) / len(carried),
        precision=precise / counted if counted else 0.0,
        carried=tuple(carried),
        citations=counted,
    )


def _irrelevant(cited: Sequence[Cited], place: int, statement: str, entails: Entails) -> bool:
    others = [passage for other, passage in enumerate(cited) if other != place]
    return bool(others) and not entails([cited[place]], statement) and entails(others, statement)


class Checker:
    """phi by the support checker: `supported` is 1, `weak` and `unsupported` are 0.

    Several passages entail what one of them does, and what they carry read as one text. A text entails each
    of its own sentences, however short; the checker itself calls no fragment supported.
    """

    def __init__(self, checker: SupportChecker) -> None:
        self._checker = checker

    def __call__(self, passages: Sequence[Cited], statement: str) -> bool:
        """Do these passages together entail the statement?"""
        if any(_holds(passage.text, statement) for passage in passages):
            return True
        if any(self._carries(passage, statement) for passage in passages):
            return True
        together = "\n".join(f"{passage.title.rstrip('.')}. {passage.text}" for passage in passages)
        return len(passages) > 1 and self._checker.check_text(statement, together).verdict is Verdict.SUPPORTED

    def _carries(self, passage: Cited, statement: str) -> bool:
        paper = Paper("cited", passage.title, passage.text)
        numbered = NumberedPassage(1, ScoredPassage(Chunk(paper, 0, len(passage.text)), 1.0, 1), (), 1)
        return self._checker.check(statement, [numbered]).support.verdict is Verdict.SUPPORTED


def _holds(text: str, statement: str) -> bool:
    """Is the statement one of the text's sentences? A part of one may say something else ("no proof that it works")."""
    wanted = _plain(statement)
    return bool(wanted) and any(_plain(sentence) == wanted for sentence in sentences(text))


def _plain(text: str) -> str:
    return " ".join(searchable(text).lower().split()).rstrip(" .")
