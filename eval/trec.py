"""Runs and relevance judgements in the formats of TREC and BEIR, plain or gzip.

    run      query Q0 document rank score tag     (trec_eval; the rank column is not read, scores decide)
    qrels    query 0 document relevance           (trec_eval)
    qrels    query-id<TAB>corpus-id<TAB>score     (BEIR, with or without its header)

Columns are separated by white space, or by tabs where a line has any (ids may then hold spaces).
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from rag import trec
from rag.errors import SourceError, UsageError

Run = dict[str, dict[str, float]]
"""Score by document id by query id; the larger the better."""

Qrels = dict[str, dict[str, int]]
"""Relevance by document id by query id; 0 and below is not relevant."""

RUN_COLUMNS = 6
TREC_QRELS_COLUMNS = 4
BEIR_QRELS_COLUMNS = 3


def opened(path: Path) -> IO[str]:
    """A UTF-8 text file, unpacked where it is gzip (told by its first bytes)."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1.

    Raises:
        SourceError: The file cannot be read.
    """
    number = 0
    try:
        with opened(path) as lines:
            for line in lines:
                number += 1
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}, line {number + 1}: not UTF-8 text. Convert the file to UTF-8.") from error
    except (OSError, EOFError) as error:
        raise SourceError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}). Check it.") from error


def read_run(path: Path) -> Run:
    """A TREC run.

    Raises:
        SourceError: It cannot be read, or a line is not one of a run; the message names the line.
    """
    run: Run = {}
    for number, line in numbered_lines(path):
        columns = _columns(line)
        if len(columns) != RUN_COLUMNS:
            raise _wrong(path, number, f"{len(columns)} columns", "A run has six: query Q0 document rank score tag.")
        query, _, document, _, text, _ = columns
        score = _number(text)
        if score is None:
            raise _wrong(path, number, f"the score {text!r} is no number", "Scores are finite numbers.")
        if document in run.setdefault(query, {}):
            raise _wrong(
                path, number, f"{document!r} is there twice for the query {query!r}", "Keep the better of the two."
            )
        run[query][document] = score
    if not run:
        raise SourceError(f"{path} is empty. Check that it is the run you meant.")
    return run


def read_qrels(path: Path) -> Qrels:
    """Judgements in TREC's four columns or BEIR's three; a first line without a number is a header.

    Raises:
        SourceError: It cannot be read, or a line is not one of qrels; the message names the line.
    """
    qrels: Qrels = {}
    for place, (number, line) in enumerate(numbered_lines(path)):
        columns = _columns(line)
        if len(columns) not in (BEIR_QRELS_COLUMNS, TREC_QRELS_COLUMNS):
            raise _wrong(
                path,
                number,
                f"{len(columns)} columns",
                "Qrels have three (query-id corpus-id score) or four (query 0 document relevance).",
            )
        query, document, text = columns[0], columns[-2], columns[-1]
        value = _number(text)
        if value is None or not value.is_integer():
            if place == 0 and value is None:
                continue
            raise _wrong(path, number, f"the relevance {text!r} is no whole number", "Grades are 0, 1, 2, ….")
        if qrels.setdefault(query, {}).get(document, value) != value:
            raise _wrong(
                path, number, f"{document!r} is judged twice for the query {query!r}", "Keep one of the two grades."
            )
        qrels[query][document] = int(value)
    if not qrels:
        raise SourceError(f"{path} holds no judgement. Check that it is the file you meant.")
    return qrels


def write_run(run: Mapping[str, Mapping[str, float]], path: Path, tag: str) -> None:
    """Writes a run, best first; nine digits, so that scores that differ in trec_eval still do.

    Documents stand in the order of `eval.metrics.ranked`, which is trec_eval's.

    Raises:
        UsageError: The file cannot be written.
    """
    from eval.metrics import ranked

    trec.write_run(_made(path), ((q, [(d, scores[d]) for d in ranked(scores)]) for q, scores in run.items()), tag)


def write_qrels(qrels: Mapping[str, Mapping[str, int]], path: Path) -> None:
    """Writes judgements in TREC's four columns.

    Raises:
        UsageError: The file cannot be written.
    """
    trec.write_rows(
        _made(path), ((q, "0", d, str(value)) for q, judged in qrels.items() for d, value in judged.items())
    )


def _made(path: Path) -> Path:
    """The path, its folder made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Check the folder.") from error
    return path


def _columns(line: str) -> list[str]:
    return [column.strip() for column in line.split("\t")] if "\t" in line.strip() else line.split()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _wrong(path: Path, number: int, what: str, remedy: str) -> SourceError:
    return SourceError(f"{path}, line {number}: {what}. {remedy}")
