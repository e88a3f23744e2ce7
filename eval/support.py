"""The support checker alone: pairs of evidence and claim into verdicts."""

from __future__ import annotations

import json
from pathlib import Path

from eval.answers import read_jsonl
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.files import whole_text


def check_file(pairs: Path, output: Path) -> None:
    """Writes a verdict and a score in 0..1 (high is supported) for every pair.

    Raises:
        UsageError: A line lacks its evidence or its claim, or the output cannot be written.
    """
    from tqdm import tqdm

    rows = read_jsonl(pairs)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("evidence"), str) or not isinstance(row.get("claim"), str):
            raise UsageError(f"{pairs}, line {number}: a pair needs the texts 'evidence' and 'claim'.")
    checker = build.build_checker(Config.load())
    try:
        with whole_text(output) as lines:
            for number, row in enumerate(tqdm(rows, desc="Checking", unit="pair"), start=1):
                found = checker.check_text(row["claim"], row["evidence"])
                verdict = {
                    "id": row.get("id", number),
                    "verdict": found.verdict.value,
                    "score": round(found.score, 4),
                }
                lines.write(json.dumps({**verdict, "reason": found.reason}, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({error.strerror}). Check the folder.") from error
