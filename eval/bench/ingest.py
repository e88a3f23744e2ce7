"""Ingest at size: papers/s, share of the embedding model, memory, disk, unchanged ingest, deletion.

    python -m eval.bench.ingest CORPUS [--papers N] [--index DIR] [--json FILE]

CORPUS is anything `paperchat ingest` reads as JSON lines; `--papers` takes its first N lines. Every
step is the command line program as a process of its own; memory is its resident set, sampled every
two seconds together with the number of papers then in the index.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rag import build
from rag.config import Config
from rag.errors import PaperchatError

PAPERCHAT = [sys.executable, "-m", "ui.cli"]
SAMPLED_EVERY = 2.0
DELETED = 1000


def main() -> None:
    """Runs the steps and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--papers", type=int)
    parser.add_argument("--index", type=Path, help="a folder that does not exist yet; default: temporary")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = arguments.corpus
        if arguments.papers:
            corpus = first_lines(corpus, arguments.papers, Path(scratch) / "corpus.jsonl")
        index = arguments.index or Path(scratch) / "index"
        figures = measure(corpus, index)
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def measure(corpus: Path, index: Path) -> dict[str, Any]:
    """All figures of one corpus."""
    first, samples = _ingest(corpus, index)
    papers = first["papers_in_index"]
    disk = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
    again, _ = _ingest(corpus, index)
    return {
        "papers": papers,
        "chunks": first["chunks_in_index"],
        "seconds": round(first["seconds"], 1),
        "papers_per_second": round(papers / first["seconds"], 1),
        "embedding_share": round(first["embedding_seconds"] / first["seconds"], 4),
        "memory_mib_by_papers": _thinned(samples),
        "memory_mib_peak": max(mib for _, mib in samples),
        "disk_bytes_per_paper": round(disk / papers),
        "unchanged_seconds": round(again["seconds"], 2),
        "unchanged_papers_per_second": round(again["unchanged"] / again["seconds"]),
        "deleted": DELETED,
        "delete_seconds": round(_delete(index), 2),
    }


def _ingest(corpus: Path, index: Path) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    command = [*PAPERCHAT, "ingest", str(corpus), "--index", str(index), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    samples: list[tuple[int, int]] = []
    while process.poll() is None:
        samples.append((_papers(index), _resident(process.pid)))
        time.sleep(SAMPLED_EVERY)
    assert process.stdout is not None
    if process.returncode:
        raise SystemExit("the ingest failed; see above")
    return json.loads(process.stdout.read()), samples


def _delete(index: Path) -> float:
    catalog = build.open_catalog(Config(index=index))
    ids = [paper.id for paper in itertools.islice(catalog.papers(), DELETED)]
    start = time.perf_counter()
    subprocess.run([*PAPERCHAT, "papers", "delete", *ids, "--index", str(index)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _papers(index: Path) -> int:
    try:
        return build.open_catalog(Config(index=index)).counts().papers
    except PaperchatError:
        return 0


def _resident(pid: int) -> int:
    """Resident set in MiB; 0 where the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("VmRSS")), "VmRSS: 0 kB")
    return int(line.split()[1]) // 1024


def _thinned(samples: list[tuple[int, int]]) -> dict[int, int]:
    """The highest memory in each of ten stretches of the run."""
    most = max((papers for papers, _ in samples), default=0)
    if not most:
        return {}
    stretch = -(-most // 10)
    highest: dict[int, int] = {}
    for papers, mib in samples:
        bucket = (papers // stretch + 1) * stretch
        highest[bucket] = max(mib, highest.get(bucket, 0))
    return highest


def first_lines(corpus: Path, count: int, target: Path) -> Path:
    """The first `count` lines of a plain or gzip file, in a file of their own."""
    opened = gzip.open if corpus.suffix == ".gz" else open
    with opened(corpus, "rt", encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        out.writelines(itertools.islice(lines, count))
    return target


if __name__ == "__main__":
    main()
