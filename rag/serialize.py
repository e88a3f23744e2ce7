"""Values to plain dictionaries and back: the records on disk and the JSON of docs/contract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rag.types import Answer, NumberedPassage, Paper, ScoredPassage, Sentence


def paper_to_dict(paper: Paper) -> dict[str, Any]:
    """The record without its empty fields."""
    plain = {name: getattr(paper, name) for name in Paper.__dataclass_fields__}
    plain["extra"] = dict(paper.extra)
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in plain.items()
        if (value not in (None, "", (), {}) and value is not False) or key in ("title", "abstract")
    }


def paper_from_dict(record: Mapping[str, Any]) -> Paper:
    """The inverse of `paper_to_dict`."""
    tuples = {name: tuple(record.get(name, ())) for name in ("authors", "categories")}
    return Paper(**{**record, **tuples})


# A reference manager's own names for a paper and its kind say nothing about the paper, and every export
# has others: without them a paper comes back from BibTeX or RIS as it went.
BOOKKEEPING = frozenset({"citation_key", "reference_id", "type"})


def content_hash(paper: Paper) -> str:
    """Changes when anything a reader could see of the paper changes; not with the file it came from."""
    record = paper_to_dict(paper)
    record.pop("source", None)
    extra = {key: value for key, value in record.pop("extra", {}).items() if key not in BOOKKEEPING}
    if extra:
        record["extra"] = extra
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """An answer as the contract's JSON."""
    return {
        "id": answer.id,
        "question": answer.question,
        "standalone_question": answer.standalone_question,
        "filters": answer.filters.to_dict(),
        "answer": answer.text,
        "mode": answer.mode,
        "stopped": answer.stopped,
        "refusal": _refusal(answer),
        "coverage": round(answer.coverage, 4),
        "sentences": [sentence_to_dict(sentence) for sentence in answer.sentences],
        "withheld": [sentence_to_dict(sentence) for sentence in answer.withheld],
        "citations": [_citation(passage) for passage in answer.cited],
        "retrieved": _retrieved(answer),
        "timings": {
            "retrieve_ms": round(answer.timings.retrieve_ms, 1),
            "first_token_ms": _rounded(answer.timings.first_token_ms),
            "total_ms": round(answer.timings.total_ms, 1),
            "prompt_tokens": answer.timings.prompt_tokens,
            "new_tokens": answer.timings.new_tokens,
        },
        "model": answer.model,
        "index": {
            "papers": answer.index.papers,
            "version": answer.index.version,
            "embedding_model": answer.index.embedding_model,
        },
    }


def sentence_to_dict(sentence: Sentence) -> dict[str, Any]:
    """A sentence with its citations and its verdict."""
    support = sentence.support
    return {
        "text": sentence.text,
        "quoted": sentence.quoted,
        "lead": sentence.lead,
        "recorded": sentence.recorded,
        "citations": list(sentence.citations),
        "support": {
            "verdict": support.verdict.value,
            "score": round(support.score, 3),
            "evidence": support.evidence,
            "paper_id": support.paper_id,
            "reason": support.reason,
        },
    }


def passage_to_dict(passage: ScoredPassage, best_sentence: str = "") -> dict[str, Any]:
    """A search result as the contract's JSON."""
    return {
        "rank": passage.rank,
        "paper_id": passage.paper.id,
        "title": passage.paper.title,
        "score": round(passage.score, 4),
        "similarity": None if passage.similarity is None else round(passage.similarity, 4),
        "dense_rank": passage.dense_rank,
        "lexical_rank": passage.lexical_rank,
        "best_sentence": best_sentence,
    }


def _refusal(answer: Answer) -> dict[str, Any] | None:
    if answer.refusal is None:
        return None
    nearest = [{"paper_id": paper.id, "title": paper.title} for paper in answer.refusal.nearest]
    return {"reason": answer.refusal.reason, "message": answer.refusal.message, "nearest": nearest}


def _citation(passage: NumberedPassage) -> dict[str, Any]:
    paper = passage.paper
    return {
        "number": passage.number,
        "paper_id": paper.id,
        "title": paper.title,
        "date": paper.date,
        "url": paper.url,
        "kind": paper.kind,
        "evidence": [{"start": e.start, "end": e.end, "text": e.text} for e in passage.evidence],
    }


def _retrieved(answer: Answer) -> list[dict[str, Any]]:
    positions = {p.paper.id: p.prompt_position for p in answer.context.passages}
    cited = {p.paper.id for p in answer.cited}
    return [
        {
            "paper_id": passage.paper.id,
            "title": passage.paper.title,
            "score": round(passage.score, 4),
            "dense_rank": passage.dense_rank,
            "lexical_rank": passage.lexical_rank,
            "rank": passage.rank,
            "prompt_position": positions.get(passage.paper.id),
            "cited": passage.paper.id in cited,
        }
        for passage in answer.retrieved
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
