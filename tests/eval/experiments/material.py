"""Questions with passages, and readers whose weakness is known."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag.protocols import GenerationLimits, Message
from tests.fakes import FakeGenerator

WORDS = ("amber", "birch", "cobalt", "dune", "ember", "fjord", "grove", "heron", "iris", "jade", "kelp", "larch")


def record(number: int, distractors: int = 9) -> dict[str, Any]:
    """A question that only its own gold passage answers; all passages of all questions differ."""
    word = WORDS[number % len(WORDS)]
    return {
        "_id": f"q{number}",
        "question": f"What is the code of the {word} vault number {number}?",
        "answers": [f"The code-{number}x"],
        "gold": {"title": f"Vault {number}", "text": f"The {word} vault number {number} opens with code-{number}x."},
        "distractors": [
            {"title": f"Vault {number}-{place}", "text": f"The {word} vault {number} stands beside tower {place}."}
            for place in range(distractors)
        ],
    }


def given_file(folder: Path, count: int = 12, distractors: int = 9) -> Path:
    """A file as lost_in_the_middle has it."""
    path = folder / "given.jsonl"
    path.write_text("".join(json.dumps(record(n, distractors)) + "\n" for n in range(count)), encoding="utf-8")
    return path


def documents(messages: Sequence[Message]) -> list[str]:
    """The documents of a prompt, in order."""
    return re.findall(r"^Document \d+(?: \(Title: .*?\))?: (.*)$", messages[-1]["content"], re.MULTILINE)


class SeeingReader(FakeGenerator):
    """Answers with whatever code stands in the documents it sees; the second line is always wrong."""

    def __init__(self, sees: Any = None, **options: Any) -> None:
        super().__init__("", **options)
        self.sees = sees or (lambda found: found)

    def stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        seen = self.sees(documents(messages))
        codes = [code for text in seen for code in re.findall(r"code-\d+x", text)]
        self.pieces = [f"It is {codes[0]}." if codes else "Nobody knows.", "\n", "and code-0x code-1x code-2x"]
        return super().stream(messages, limits, cancel)


def ends(found: list[str]) -> list[str]:
    """What a reader sees who is lost in the middle."""
    return [found[0], found[-1]] if found else []
