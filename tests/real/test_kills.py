"""SIGKILL at any moment: resumed, the index is that of an undisturbed run, and readers never notice.

`python -m tests.real.test_kills 200` does it two hundred times and prints what it saw.
"""

from __future__ import annotations

import json
import random
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rag.index import Index
from rag.retrieve import HybridRetriever
from tests.fakes import FakeEmbedder
from tests.real.ingest_process import open_index

pytestmark = pytest.mark.real

WORDS = (
    "coral sepsis lattice neuron glacier enzyme quasar plasma orchid tundra isotope meson fungus delta kernel".split()
)
PAPERS, CHANGED, GONE = 240, 90, 40
KILLS_IN_CI = 6


def record(number: int, edition: str) -> dict[str, Any]:
    """A paper that is found by its own number; its abstract says which edition it is."""
    chance = random.Random(number)
    words = " ".join(chance.choice(WORDS) for _ in range(60))
    text = f"Edition {edition} of report r{number}. {words.capitalize()}. It ends as edition {edition}."
    return {"_id": f"p{number}", "title": f"Report r{number} on {chance.choice(WORDS)}", "text": text}


def editions(folder: Path) -> tuple[Path, Path]:
    """Two states of one collection: between them papers change, and papers come."""
    first = [record(n, "one") for n in range(PAPERS)]
    second = [record(n, "two" if n < CHANGED else "one") for n in range(PAPERS + GONE)]
    paths = folder / "one.jsonl", folder / "two.jsonl"
    for path, records in zip(paths, (first, second), strict=True):
        path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return paths


def start(index: Path, file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.real.ingest_process", str(index), str(file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(index: Path, file: Path) -> None:
    process = start(index, file)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told


def contents(folder: Path) -> dict[str, Any]:
    """Every record of every store."""
    index = open_index(folder)
    papers = list(index.catalog.papers())
    rows = index.catalog.get([paper.id for paper in papers])
    with index.vectors._collection() as collection:  # type: ignore[attr-defined]
        found = collection.get(include=["embeddings", "metadatas"])
    vectors = {
        chunk_id: (meta["paper_id"], tuple(round(float(v), 5) for v in vector))
        for chunk_id, meta, vector in zip(found["ids"], found["metadatas"], found["embeddings"], strict=True)
    }
    # Scores still count what was replaced until tantivy merges its segments; which papers match does not.
    hits = {p.id: sorted(i for i, _ in index.terms.query(f"r{p.id[1:]}", 9)) for p in papers}
    second = sorted(i for i, _ in index.terms.query("two", len(papers)))
    return {
        "records": {i: (p.title, p.abstract, [(c.start, c.end) for c in chunks]) for i, (p, chunks) in rows.items()},
        "vectors": vectors,
        "terms": (index.terms.count(), hits, second),
        "journal": index.catalog.pending(),
        "counts": (index.catalog.counts().papers, index.catalog.counts().chunks),
    }


class Reader(threading.Thread):
    """Asks all the time, from a process of its own eyes: what it finds must be whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.stopped = threading.Event()
        self.asked = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        chance = random.Random(1)
        index: Index | None = None
        while not self.stopped.is_set():
            try:
                if index is None or self.asked % 50 == 0:
                    index = open_index(self.folder)
                self._ask(index, chance.randrange(PAPERS))
            except Exception as error:
                self.wrong.append(f"{type(error).__name__}: {error}"[:300])
            self.asked += 1
            time.sleep(0.02)

    def _ask(self, index: Index, number: int) -> None:
        found = HybridRetriever(index, FakeEmbedder()).retrieve(f"What does report r{number} say?", 5)
        for passage in found:
            told = passage.paper.abstract
            if told.count("edition one") + told.count("Edition one") not in (0, 2):
                self.wrong.append(f"half a paper: {told}")
        if f"p{number}" not in {passage.paper.id for passage in found}:
            self.wrong.append(f"p{number} not found")


def kill_many(kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Kills `kills` ingests at random moments, each resumed, then compares with an undisturbed index."""
    one, two = editions(folder)
    undisturbed, index = folder / "undisturbed", folder / "killed"
    begun = time.monotonic()
    finish(undisturbed, one)
    usual = time.monotonic() - begun
    finish(undisturbed, two)
    finish(index, one)
    chance, seen, files = random.Random(seed), Counter[str](), [two, one]
    reader = Reader(index)
    reader.start()
    while seen["killed"] < kills:
        process = start(index, files[0])
        time.sleep(chance.uniform(0.2, 1.1) * usual)
        if process.poll() is None:
            process.kill()
            seen["killed"] += 1
            seen["in the middle of a write"] += bool(_pending(index))
        else:
            seen["finished before the kill"] += 1
            files.reverse()
        _, told = process.communicate()
        assert process.returncode in (0, -9), told
    finish(index, one)
    finish(index, two)
    reader.stopped.set()
    reader.join()
    return {
        **seen,
        "questions alongside": reader.asked,
        "wrong": reader.wrong[:5],
        "equal": contents(index) == contents(undisturbed),
    }


def _pending(folder: Path) -> list[str]:
    return open_index(folder).catalog.pending().paper_ids


def test_killed_anywhere_and_resumed_the_index_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    seen = kill_many(KILLS_IN_CI, 7, tmp_path)
    assert seen["equal"]
    assert seen["wrong"] == []
    assert seen["questions alongside"] > KILLS_IN_CI


@pytest.mark.parametrize("blocks", [16, 40, 150])
def test_a_disk_that_takes_no_more_is_told_and_nothing_is_lost(tmp_path: Path, blocks: int) -> None:
    """A limit on the size of files makes the stores' own writes fail, wherever they are."""
    one, two = editions(tmp_path)
    index, undisturbed = tmp_path / "index", tmp_path / "undisturbed"
    for folder in (index, undisturbed):
        finish(folder, one)
    program = shlex.join([sys.executable, "-m", "tests.real.ingest_process", str(index), str(two)])
    limited = f"trap '' XFSZ; ulimit -f {blocks}; exec {program}"
    ended = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode == 0:
        pytest.skip("the limit was not met")
    assert "PaperIndexError" in ended.stderr.splitlines()[-1], ended.stderr[-2000:]
    reader = Reader(index)
    reader._ask(open_index(index), 3)
    assert reader.wrong == []
    finish(index, two)
    finish(undisturbed, two)
    assert contents(index) == contents(undisturbed)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        outcome = kill_many(int(sys.argv[1]), 11, Path(scratch))
    sys.stdout.write(json.dumps(outcome, indent=1) + "\n")
