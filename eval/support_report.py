"""The measurements of the support check as a page and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.report import Number, Plot, Point, Report, Section, Series, Table
from eval.support_measures import RESAMPLES

Result = Mapping[str, Any]

METHOD = (
    f"Intervals are 95 % percentile bootstrap over abstracts ({RESAMPLES:,} samples). A kind of change is compared "
    "with all true claims. Milliseconds are for a new claim on an abstract that was read before, as while an answer "
    "is being written."
)


def support_report(result: Result) -> Report:
    """The page."""
    low, high = result["auc_interval"]
    return Report(
        title="Support check",
        lead=(
            f"AUC {result['auc']:.3f} (95 % interval {low:.3f} to {high:.3f}) over {result['pairs']:,} claims; "
            f"{result['false_accepts']:.1%} of false claims are called supported."
        ),
        facts=(
            ("Claims", f"{result['pairs']:,}, {result['true']:,} of them true"),
            ("Abstracts", f"{result['abstracts']:,}"),
            ("Supported from", f"{result['thresholds']['supported']:.3f}"),
            ("Weakly supported from", f"{result['thresholds']['weak']:.3f}"),
            ("Milliseconds a sentence", f"{result['ms_median']:.1f} (median), {result['ms_p95']:.1f} (95 %)"),
        ),
        sections=(_overall(result), _by_kind(result), _curves(result), *_faithbench(result)),
        footer=METHOD,
    )


def summary(result: Result) -> str:
    """The table for a terminal, in Markdown."""
    low, high = result["auc_interval"]
    lines = [
        f"AUC {result['auc']:.3f} [{low:.3f}, {high:.3f}] over {result['pairs']} claims "
        f"(of like length {result['auc_of_like_length']:.3f}, length alone {result['auc_of_length_alone']:.3f})",
        f"supported: {result['false_accepts']:.1%} of false claims, {result['true_kept']:.1%} of true ones; "
        f"calibration error {result['calibration_error']:.3f}; {result['ms_median']:.1f} ms a sentence",
        "",
        "| change | claims | AUC | interval | called supported |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {found['claims']} | {found['auc']:.3f} | {found['interval'][0]:.3f}-{found['interval'][1]:.3f} "
        f"| {found['accepted']:.1%} |"
        for kind, found in result["by_kind"].items()
    ]
    if result.get("faithbench"):
        lines += ["", "| FaithBench | AUC | interval |", "|---|---|---|"]
        lines += [
            f"| {name} | {found['auc']:.3f} | {found['interval'][0]:.3f}-{found['interval'][1]:.3f} |"
            for name, found in result["faithbench"].items()
        ]
    return "\n".join(lines)


def _overall(result: Result) -> Section:
    low, high = result["auc_interval"]
    rows = (
        ("AUC", Number(result["auc"], low, high)),
        ("AUC among claims of like length", Number(result["auc_of_like_length"])),
        ("AUC of the length alone", Number(result["auc_of_length_alone"])),
        ("False claims called supported", Number(result["false_accepts"])),
        ("False claims called weakly supported", Number(result["false_weak"])),
        ("True claims called supported", Number(result["true_kept"])),
        ("True claims called supported or weakly supported", Number(result["true_kept_or_weak"])),
        ("Calibration error", Number(result["calibration_error"])),
    )
    return Section("All claims", (), (Table(("", "Value"), rows),))


def _by_kind(result: Result) -> Section:
    rows = tuple(
        (kind, Number(found["claims"], digits=0), Number(found["auc"], *found["interval"]), Number(found["accepted"]))
        for kind, found in result["by_kind"].items()
    )
    kept = tuple(
        (kind, Number(found["claims"], digits=0), Number(found["kept"]), Number(found["unsupported"]))
        for kind, found in result["true_kinds"].items()
    )
    return Section(
        "By kind of change",
        ("No rule was made for attribution, cause, condition and mixture.",),
        (
            Table(("False by", "Claims", "AUC", "Called supported"), rows),
            Table(("True by", "Claims", "Called supported", "Called unsupported"), kept),
        ),
    )


def _curves(result: Result) -> Section:
    bins = result["calibration"]
    calibrated = Plot(
        title="Calibration",
        description="Share of true claims by score. A calibrated score lies on the diagonal.",
        series=(
            Series("share of true claims", tuple(Point(b["score"], b["true"]) for b in bins)),
            Series("perfectly calibrated", tuple(Point(b["score"], b["score"]) for b in bins)),
        ),
        x_label="score",
        y_label="share of true claims",
        from_zero=True,
    )
    roc = Plot(
        title="ROC curve",
        description="Share of true claims above a threshold, by the share of false claims above it.",
        series=(Series("true claims", tuple(Point(x, y) for x, y in result["roc"])),),
        kind="curve",
        x_label="false claims above the threshold",
        y_label="true claims above",
        from_zero=True,
    )
    return Section("Curves", (), (calibrated, roc))


def _faithbench(result: Result) -> tuple[Section, ...]:
    if not result.get("faithbench"):
        return ()
    bars = Plot(
        title="AUC on FaithBench",
        description="Unwanted summaries against consistent and benign ones. The summaries were chosen because "
        "detectors disagreed on them, so that all are near chance (0.5).",
        kind="dot",
        y_label="AUC",
        series=(
            Series("AUC", tuple(Point(name, f["auc"], *f["interval"]) for name, f in result["faithbench"].items())),
        ),
    )
    return (Section("FaithBench", (), (bars,)),)
