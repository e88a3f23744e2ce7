"""How much of a conversation's topic reaches the search: four wordings of every follow-up, compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.answers import RECALL_AT, read_jsonl, summarise
from rag import build, rewrite
from rag.config import Config
from rag.errors import UsageError
from rag.followup import FollowUps
from rag.types import ScoredPassage

FOLLOWUPS = Path(__file__).parent / "questions" / "followups_dev.jsonl"
HALVES = ("dev", "check", "all")


def evaluate(index: Path, questions: Path, half: str, *, fused: bool = False) -> dict[str, Any]:
    """Right paper first and recall@5 of each wording, over follow-ups and changes of subject.

    Args:
        index: Of the collection that the questions were written over.
        questions: With history, gold and standalone question.
        half: Which of them.
        fused: Scores the fused ranking, without reranking by evidence: much quicker.

    Raises:
        UsageError: The questions cannot be read, or `half` is unknown.
    """
    if half not in HALVES:
        raise UsageError(f"Unknown half {half!r}. Choose one of {', '.join(HALVES)}.")
    asked = [row for row in read_jsonl(questions) if half in ("all", row.get("half"))]
    if not asked:
        raise UsageError(f"{questions} holds no question of the half {half!r}. Give another file or --half all.")
    for number, row in enumerate(asked, start=1):
        if missing := sorted({"id", "kind", "question", "history", "gold", "standalone"} - row.keys()):
            raise UsageError(f"{questions}, question {number} has no {missing[0]!r}. See eval/questions/README.md.")
        if not row["gold"]:
            raise UsageError(f"{questions}, question {number} has no gold paper. Name at least one by its id.")
    config = Config.load({"index": index})
    opened, embedder = build.open_index(config), build.build_embedder(config)
    retriever = build.build_retriever(config, opened, embedder)
    pipeline = build.assemble(config, opened, embedder, None)
    followups = FollowUps(retriever, opened.terms)

    def ranked(text: str) -> Sequence[ScoredPassage]:
        return retriever.retrieve(text, RECALL_AT) if fused else pipeline.search(text, RECALL_AT).ranked

    wordings: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "as typed": lambda row: str(row["question"]),
        "by words": lambda row: rewrite.standalone(row["question"], row["history"]),
        "with retrieval": lambda row: followups.standalone(row["question"], row["history"]),
        "by hand": lambda row: str(row["standalone"]),
    }
    rows = []
    for row in tqdm(asked, desc="Asking", unit="question"):
        texts = {name: wording(row) for name, wording in wordings.items()}
        scores = {name: _score(ranked(text), row["gold"]) for name, text in texts.items()}
        rows.append({"id": row["id"], "kind": row["kind"], "wordings": texts, "measures": scores})
    kinds = [*dict.fromkeys(row["kind"] for row in rows)]
    chosen = {kind: [row for row in rows if row["kind"] == kind] for kind in kinds} | {"all": rows}
    overall = {
        kind: {name: summarise([row["measures"][name] for row in members]) for name in wordings}
        for kind, members in chosen.items()
    }
    return {"half": half, "fused": fused, "questions": len(rows), "overall": overall, "rows": rows}


def _score(ranked: Sequence[ScoredPassage], gold: list[str]) -> dict[str, float | None]:
    found = [passage.paper.id in gold for passage in ranked]
    return {"right_first": float(found[:1] == [True]), "recall@5": sum(found) / min(RECALL_AT, len(gold))}


def table(result: Mapping[str, Any]) -> str:
    """The result as Markdown."""
    lines = [f"{result['questions']} questions, half: {result['half']}", ""]
    lines += ["| questions | wording | n | right paper first | recall@5 |", "|---|---|---|---|---|"]
    for kind, by_wording in result["overall"].items():
        for name, summary in by_wording.items():
            first, recall = summary["right_first"], summary["recall@5"]
            shown = [f"{m['value']:.2f} [{m['low']:.2f}, {m['high']:.2f}]" for m in (first, recall)]
            lines.append(f"| {kind} | {name} | {first['n']} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines) + "\n"
