"""The support checker alone: pairs of evidence and claim into verdicts, and how far the verdicts are right."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval import support_data
from eval.answers import read_jsonl
from eval.support_data import Pair
from eval.support_measures import auc, auc_interval, auc_of_like_length, calibration, calibration_error, roc
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.files import whole_text
from rag.support import SupportChecker
from rag.text import sentences
from rag.types import Support, Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """A pair with what the checker made of it, and the milliseconds it took."""

    pair: Pair
    support: Support
    ms: float


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


def run(data: Path = support_data.DATA) -> dict[str, Any]:
    """Measures the checker on the written test pairs, and on FaithBench where `data` has it."""
    checker = build.build_checker(Config.load())
    checked = check_pairs(checker, support_data.written("test", data))
    result = measure(checked)
    result["thresholds"] = {"supported": checker.thresholds.supported, "weak": checker.thresholds.weak}
    folder = data / "faithbench"
    result["faithbench"] = faithbench(checker, folder) if folder.exists() else None
    return result


def write(result: Mapping[str, Any], folder: Path) -> str:
    """Writes `support.json`, `support.md` and `report.html`; gives the table."""
    from eval.report import write_html
    from eval.support_report import summary, support_report

    text = summary(result)
    write_html(support_report(result), folder / "report.html")
    (folder / "support.json").write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "support.md").write_text(text + "\n", encoding="utf-8")
    return text


def check_pairs(checker: SupportChecker, pairs: Sequence[Pair]) -> list[Checked]:
    """Every pair's verdict. The evidence is read beforehand, as it is while an answer is being written."""
    from tqdm import tqdm

    found = []
    # A space more makes a claim that was not read before.
    for pair in tqdm(pairs, desc="Checking", unit="pair"):
        checker.score(pair.claim, pair.evidence, pair.title)
        begun = time.perf_counter()
        support = checker.check_text(f"{pair.claim} ", pair.evidence, pair.title)
        found.append(Checked(pair, support, (time.perf_counter() - begun) * 1000))
    return found


def measure(checked: Sequence[Checked]) -> dict[str, Any]:
    """Figures over all pairs and by kind of change."""
    truth, scores = _truth(checked), _scores(checked)
    lengths = np.array([float(len(c.pair.claim.split())) for c in checked])
    low, high = auc_interval(truth, scores, [c.pair.paper for c in checked])
    true, false = (sorted({c.pair.kind for c in checked if c.pair.supported == is_true}) for is_true in (True, False))
    return {
        "pairs": len(checked),
        "true": int(truth.sum()),
        "abstracts": len({c.pair.paper for c in checked}),
        "auc": auc(truth, scores),
        "auc_interval": [low, high],
        "auc_of_like_length": auc_of_like_length(truth, scores, lengths),
        "auc_of_length_alone": auc(truth, lengths),
        "by_kind": {kind: _against_true(checked, [kind]) for kind in false},
        "true_kinds": {kind: _kept(checked, kind) for kind in true},
        "false_accepts": _share(checked, Verdict.SUPPORTED, supported=False),
        "true_kept": _share(checked, Verdict.SUPPORTED, supported=True),
        "true_kept_or_weak": 1 - _share(checked, Verdict.UNSUPPORTED, supported=True),
        "false_weak": _share(checked, Verdict.WEAK, supported=False),
        "calibration": calibration(truth, scores),
        "calibration_error": calibration_error(truth, scores),
        "roc": roc(truth, scores),
        "ms_median": float(np.median([c.ms for c in checked])),
        "ms_p95": float(np.quantile([c.ms for c in checked], 0.95)),
        "rows": [
            {"id": c.pair.id, "kind": c.pair.kind, "verdict": c.support.verdict.value, "score": c.support.score}
            for c in checked
        ],
    }  # fmt: skip


def faithbench(checker: SupportChecker, folder: Path) -> dict[str, Any]:
    """AUC on FaithBench (Bao et al. 2025) beside the detectors in its file: unwanted against consistent and benign.

    A summary is as good as its worst sentence. The data are for non-commercial use: they are measured on, nothing
    is trained or tuned with them.
    """
    rows = [row for row in read_jsonl(folder / "data.jsonl") if row["worst_label"] != "Questionable"]
    truth = np.array([float(row["worst_label"] != "Unwanted") for row in rows])
    scores = np.array([_summary(checker, row["summary"], row["source"]) for row in rows])
    sources = [row["source"] for row in rows]
    found: dict[str, Any] = {"ours": _with_interval(truth, scores, sources)}
    for name in sorted({name for row in rows for name in row.get("detectors") or {}}):
        values = [(t, row["detectors"].get(name), s) for t, row, s in zip(truth, rows, sources, strict=True)]
        known = [(t, float(value), s) for t, value, s in values if value is not None]
        detected = np.array([value for _, value, _ in known])
        found[name] = _with_interval(np.array([t for t, _, _ in known]), detected, [s for _, _, s in known])
    return found


def _summary(checker: SupportChecker, summary: str, source: str) -> float:
    scores = [scored.probability for text in sentences(summary) if (scored := checker.score(text, source))]
    return min(scores, default=0.5)


def _with_interval(truth: Any, scores: Any, groups: Sequence[str]) -> dict[str, Any]:
    low, high = auc_interval(truth, scores, groups)
    return {"auc": auc(truth, scores), "interval": [low, high], "summaries": len(truth)}


def _truth(checked: Sequence[Checked]) -> Any:
    return np.array([float(c.pair.supported) for c in checked])


def _scores(checked: Sequence[Checked]) -> Any:
    return np.array([c.support.score for c in checked])


def _against_true(checked: Sequence[Checked], kinds: Sequence[str]) -> dict[str, Any]:
    """Claims changed in these ways against all true ones."""
    rows = [c for c in checked if c.pair.supported or c.pair.kind in kinds]
    claims = sum(not c.pair.supported for c in rows)
    low, high = auc_interval(_truth(rows), _scores(rows), [c.pair.paper for c in rows])
    accepted = _share(rows, Verdict.SUPPORTED, supported=False)
    return {"claims": claims, "auc": auc(_truth(rows), _scores(rows)), "interval": [low, high], "accepted": accepted}


def _kept(checked: Sequence[Checked], kind: str) -> dict[str, Any]:
    rows = [c for c in checked if c.pair.kind == kind]
    kept = _share(rows, Verdict.SUPPORTED, supported=True)
    return {"claims": len(rows), "kept": kept, "unsupported": _share(rows, Verdict.UNSUPPORTED, supported=True)}


def _share(checked: Sequence[Checked], verdict: Verdict, *, supported: bool) -> float:
    rows = [c for c in checked if c.pair.supported == supported]
    return sum(c.support.verdict is verdict for c in rows) / len(rows) if rows else 0.0
