"""Prepared examples: what the model reads and what it shall write, in a file that can be looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from rag.errors import UsageError
from rag.files import whole_text
from rag.protocols import Message, PromptStyle
from rag.serialize import paper_from_dict, paper_to_dict
from rag.tuning.questions import rows
from rag.types import Chunk, Context, Evidence, NumberedPassage, ScoredPassage


@dataclass(frozen=True, slots=True)
class Example:
    """One example.

    Attributes:
        id: Of its question.
        kind: Kind of question.
        context: The question that stands alone and the passages handed out.
        gold: Numbers of the passages that answer; empty where none does.
        messages: The prompt, as `rag.prompt` makes it.
        target: What the model shall write.
        style: The prompt's style.
    """

    id: str
    kind: str
    context: Context
    gold: tuple[int, ...]
    messages: tuple[Message, ...]
    target: str
    style: PromptStyle


def write(examples: Iterable[Example], path: Path) -> None:
    """Writes a JSON line for each.

    Raises:
        OSError: The file cannot be written.
    """
    with whole_text(path) as lines:
        for example in examples:
            lines.write(json.dumps(_to_dict(example), ensure_ascii=False) + "\n")


def read(path: Path) -> list[Example]:
    """What `write` wrote.

    Raises:
        UsageError: The file cannot be read or holds something else.
    """
    found = []
    for number, row in rows(path):
        try:
            found.append(_from_dict(row))
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{path}, line {number}: not a prepared example ({type(error).__name__}: {error}). "
                "Give what 'paperchat tune QUESTIONS' wrote."
            ) from error
    if not found:
        raise UsageError(f"{path} holds no example. Prepare it again with 'paperchat tune QUESTIONS --fresh'.")
    return found


def split(examples: Sequence[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Training and held-out examples; questions on the same papers are on the same side.

    The side depends on the first gold paper alone (on the question where there is none), so that it is the same
    whatever else is trained on.

    Args:
        examples: All of them.
        share: Of the papers, how many are held out, 0 to 1.
    """

    def held(example: Example) -> bool:
        gold = [p.paper.id for p in example.context.passages if p.number in example.gold]
        key = min(gold, default=example.context.question)
        return int(sha256(key.encode()).hexdigest()[:8], 16) < share * 2**32

    return [e for e in examples if not held(e)], [e for e in examples if held(e)]


def _to_dict(example: Example) -> dict[str, Any]:
    passages = [
        {
            "number": passage.number,
            "position": passage.prompt_position,
            "paper": paper_to_dict(passage.paper),
            "evidence": [[e.start, e.end, round(e.score, 6)] for e in passage.evidence],
        }
        for passage in example.context.passages
    ]
    return {
        "id": example.id,
        "kind": example.kind,
        "question": example.context.question,
        "messages": [dict(message) for message in example.messages],
        "target": example.target,
        "gold": list(example.gold),
        "style": asdict(example.style),
        "passages": passages,
    }


def _from_dict(row: dict[str, Any]) -> Example:
    passages = []
    for told in row["passages"]:
        paper = paper_from_dict(told["paper"])
        evidence = tuple(Evidence(a, b, paper.abstract[a:b], score) for a, b, score in told["evidence"])
        found = ScoredPassage(Chunk(paper, 0, len(paper.abstract)), 0.0, told["number"])
        passages.append(NumberedPassage(told["number"], found, evidence, told["position"]))
    return Example(
        str(row["id"]),
        str(row["kind"]),
        Context(str(row["question"]), tuple(passages)),
        tuple(row["gold"]),
        tuple({"role": str(m["role"]), "content": str(m["content"])} for m in row["messages"]),
        str(row["target"]),
        PromptStyle(**row["style"]),
    )
