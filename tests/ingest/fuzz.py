"""`python -m tests.ingest.fuzz --inputs 20000`: mutated real files into every reader.

Each input is made from the odd files in `tests/ingest/data`, other files named on the command line,
and pieces of them joined. It may be refused with a SourceError or UsageError, and it may give papers
and rejected records; any other exception, a run of more than `SLOW` seconds, or more than `MEMORY`
MiB above the start is a failure and is kept in the folder `--keep`.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from ingest.records import Rejected
from ingest.resolve import Resolver
from ingest.sources import FORMATS, read_stream
from rag.errors import PaperchatError
from tests.fakes import FakeCatalog

DATA = Path(__file__).parent / "data"
SLOW = 5.0
MEMORY = 600
LONGEST = 60_000
NASTY = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\t", b'"', b"'", b"{", b"}", b"{{{{", b"]", b"[[[[", b"\\", b"\\u0000",
    b"\\ud800", b"%s", b"<!ENTITY a 'b'>", b"<!DOCTYPE x [", b"<![CDATA[", b"]]>", b"&#0;", b"&amp;", b"&nosuch;", b"<a>" * 300,
    b"@article{", b"@string{a = a # a}", b"ER  - ", b"TY  - JOUR\n", b"PMID- ", b"PAR1", b"\x1f\x8b", b"NaN", b"1e999", b"-" * 500,
    b"null", b"true", b'{"title":', b"\xe2\x80\xae", "́".encode() * 200, "𝔸".encode(), b"\xc3", b"10.1/", b"arXiv:", b"9" * 400,
    b";", b",,,,,", b"|", b"=", b"\xc2\xb7\n", b"Nov 5\n", b"0000-00-00", b"\x1b[2J", b"A" * 5000, b"$" * 50, b"\\'" * 50,
]  # fmt: skip


def mutate(chance: random.Random, seeds: list[bytes]) -> bytes:
    """One input."""
    data = bytearray(chance.choice(seeds))
    if chance.random() < 0.2:
        other = chance.choice(seeds)
        cut = chance.randrange(len(data) + 1)
        data[cut:] = other[chance.randrange(len(other) + 1) :]
    for _ in range(chance.choice((0, 1, 1, 2, 4, 8, 30))):
        at = chance.randrange(len(data) + 1)
        kind = chance.random()
        if kind < 0.35:
            data[at:at] = chance.choice(NASTY)
        elif kind < 0.55:
            del data[at : at + chance.choice((1, 1, 3, 20, 400))]
        elif kind < 0.75 and data:
            data[min(at, len(data) - 1)] = chance.randrange(256)
        elif kind < 0.9:
            data[at:at] = data[at : at + chance.choice((5, 80, 900))] * chance.choice((1, 2, 5))
        else:
            data = data[: max(1, at)]
    whole = bytes(data[:LONGEST])
    if chance.random() < 0.1:
        packed = bytearray(gzip.compress(whole))
        if chance.random() < 0.5 and packed:
            packed[chance.randrange(len(packed))] ^= 1 << chance.randrange(8)
        whole = bytes(packed)
    return whole


def read(data: bytes, form: str | None) -> str:
    """Reads and resolves one input; how it ended."""
    try:
        records = list(read_stream(io.BytesIO(data), "fuzz", form, 2025))
    except PaperchatError as error:
        text = str(error)
        assert "\n" not in text and len(text) < 2000, text
        return "refused"
    papers = [record for record in records if not isinstance(record, Rejected)]
    for paper in papers:
        assert paper.id and paper.abstract, paper
        json.dumps([paper.id, paper.title, paper.abstract, *paper.authors, *paper.extra.values()]).encode()
        paper.abstract.encode()
    list(Resolver(FakeCatalog()).decide(papers))
    return "papers" if papers else "rejected"


def main() -> int:
    """Runs; the exit code tells whether anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="more seeds")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    paths = [path for path in sorted(DATA.iterdir()) if path.name != "duplicates.jsonl"] + arguments.files
    seeds = [path.read_bytes()[:LONGEST] for path in paths]
    ended: Counter[str] = Counter()
    slowest, before = 0.0, _memory()
    for number in range(arguments.inputs):
        data = mutate(chance, seeds)
        form = chance.choice(FORMATS) if chance.random() < 0.4 else None
        start = time.perf_counter()
        try:
            how = read(data, form)
        except Exception:
            how = "FAILED"
            arguments.keep.mkdir(exist_ok=True)
            (arguments.keep / f"{number}-{form}.bin").write_bytes(data)
            (arguments.keep / f"{number}-{form}.txt").write_text(traceback.format_exc(), encoding="utf-8")
        took = time.perf_counter() - start
        if took > SLOW:
            how = "FAILED"
            arguments.keep.mkdir(exist_ok=True)
            (arguments.keep / f"{number}-{form}-slow.bin").write_bytes(data)
        slowest = max(slowest, took)
        ended[how] += 1
    grown = _memory() - before
    report = {"inputs": arguments.inputs, **ended, "slowest_s": round(slowest, 2), "memory_grown_mib": grown}
    sys.stdout.write(json.dumps(report) + "\n")
    return int(bool(ended["FAILED"]) or grown > MEMORY)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
