"""`python -m tests.browser.page_process ANSWER`: the page over a scripted long answer, to be measured.

ANSWER is a JSON file: the `question`, the `sentences` that answer it, each citing one of the papers in turn, and
the `seconds` before each word; five of them pass before the first. Prints the page's address.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rag.types import Paper, Sentence
from tests.browser import fake_engine
from tests.browser.fake_engine import MINFERENCE, FakeEngine, Script, supported
from ui import web
from ui.userdata import Database

PAPERS = 10
EVIDENCE = "We introduce MInference"


def papers() -> list[Paper]:
    return [replace(MINFERENCE, id=f"{MINFERENCE.id}-{n}", title=f"{n}. {MINFERENCE.title}") for n in range(PAPERS)]


def script(sentences: list[str]) -> Script:
    found = papers()
    written = tuple(
        Sentence(text, (n % PAPERS + 1,), supported(found[n % PAPERS], EVIDENCE)) for n, text in enumerate(sentences)
    )
    return Script(written, papers=[(paper, (EVIDENCE, "Evaluations show")) for paper in found])


def announce(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    fake_engine.SCRIPTS[given["question"]] = script(given["sentences"])
    engine = FakeEngine(word_seconds=given["seconds"])
    with tempfile.TemporaryDirectory() as folder:
        web.launch(
            engine,  # type: ignore[arg-type]
            "127.0.0.1",
            0,
            database=Database(Path(folder) / "conversations.sqlite"),
            announce=announce,
        )


if __name__ == "__main__":
    main()
