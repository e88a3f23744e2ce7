"""Fits the evidence weights of `rag.evidence` on the arXiv training and development questions.

    paperchat eval dev-collection train --dump CORPUS.jsonl.gz --output train.jsonl
    paperchat ingest train.jsonl --index TRAIN
    paperchat eval dev-collection arxiv --dump CORPUS.jsonl.gz --output arxiv.jsonl
    paperchat ingest arxiv.jsonl --index DEV
    python -m eval.fit_evidence --index TRAIN --dev-index DEV

A sentence is positive where the question's author named it as one that answers. Logistic regression, L2 penalty,
full batch.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.answers import read_jsonl
from rag import build, question
from rag.config import Config
from rag.evidence import WEIGHTS, EvidenceScorer, features
from rag.index import Index
from rag.injection import statement_spans
from rag.pipeline import EVIDENCE_PAPERS
from rag.protocols import Embedder
from rag.rerank import Reranking
from rag.types import Paper

QUESTIONS = Path(__file__).parent / "questions"
FOLDS = 10
PENALTY = 1.0
OFTEN = 9
"""Times a development question counts: they are fewer, and worded nearer to the abstracts, as many questions are."""
Hits = tuple[bool, ...]

IsGold = Callable[[dict[str, Any], Paper, tuple[int, int]], bool]


@dataclass(frozen=True)
class Example:
    """The sentences of one question's ten papers: features (sentences, features) and which ones answer."""

    features: np.ndarray
    gold: np.ndarray


def main() -> None:
    """Prints the weights and how often a gold sentence is among the first 1, 3 and 5, of all questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True, help="of the training collection")
    parser.add_argument("--dev-index", type=Path, required=True, help="of the arXiv development collection")
    given = parser.parse_args()
    over_train = Config.load({"index": given.index})
    train = [
        example
        for name in ("arxiv_train", "arxiv_far")
        for example in collect(over_train, QUESTIONS / f"{name}.jsonl", _named_in_train)
    ]
    dev = collect(Config.load({"index": given.dev_index}), QUESTIONS / "arxiv_dev.jsonl", _named_in_dev)
    shipped = np.array([*WEIGHTS.values(), 0.0])
    crossed: tuple[list[Hits], list[Hits]] = [], []
    for fold in range(FOLDS):
        weights = fit(_kept(train, fold) + OFTEN * _kept(dev, fold))
        for hits, examples in zip(crossed, (train, dev), strict=True):
            hits.extend(_hits(examples[fold::FOLDS], weights))
    fitted = fit(train + OFTEN * dev)
    told = {
        "train, shipped weights": _rates(_hits(train, shipped)),
        "train, cross-validated": _rates(crossed[0]),
        "dev, shipped weights": _rates(_hits(dev, shipped)),
        "dev, cross-validated": _rates(crossed[1]),
        "weights": dict(zip(WEIGHTS, fitted[:-1].round(2).tolist(), strict=True)),
        "bias": round(float(fitted[-1]), 2),
    }
    print(json.dumps(told, indent=1))  # noqa: T201  # a script for people to run


def collect(config: Config, questions: Path, is_gold: IsGold) -> list[Example]:
    """Features of every candidate sentence of every question that stands alone and has evidence."""
    from tqdm import tqdm

    index, embedder = build.open_index(config), build.build_embedder(config)
    retriever, scorer = build.build_retriever(config, index, embedder), _scorer(index, embedder)
    examples = []
    for asked in tqdm(read_jsonl(questions), desc=questions.stem):
        if asked["history"] or not (asked.get("answer") or asked.get("evidence")):
            continue
        reranker = Reranking(scorer, question.read(asked["question"]))
        ranked = retriever.retrieve(asked["question"], EVIDENCE_PAPERS, reranker=reranker)
        assert reranker.look is not None
        papers = {passage.paper.id: passage.paper for passage in ranked}
        near = reranker.look.at({passage.paper.id: passage.score for passage in ranked})
        gold = [
            is_gold(asked, papers[paper_id], span)
            for paper_id, own in zip(near.scores, near.sentences, strict=True)
            for span in map(tuple, own.spans.tolist())
        ]
        examples.append(Example(features(near), np.array(gold)))
    return examples


def _scorer(index: Index, embedder: Embedder) -> EvidenceScorer:
    return EvidenceScorer(embedder, index.terms, index.catalog)


def answering(asked: Mapping[str, Any]) -> set[tuple[str, int]]:
    """The sentences that answer a training question, each by its paper and its place in the abstract."""
    pairs = asked.get("evidence") or [pair for said in asked.get("answer") or () for pair in said["evidence"]]
    return {(paper_id, place) for paper_id, place in pairs}


def _named_in_train(asked: dict[str, Any], paper: Paper, span: tuple[int, int]) -> bool:
    return (paper.id, statement_spans(paper.abstract).index(span)) in answering(asked)


def _named_in_dev(asked: dict[str, Any], paper: Paper, span: tuple[int, int]) -> bool:
    # The authors of these counted sentences by a simpler rule.
    counted = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9(])", paper.abstract)
    named = [counted[k] for key, k in asked["evidence"] if key == paper.id and k < len(counted)]
    sentence = paper.abstract[slice(*span)]
    return any(sentence[:40] in text or text[:40] in sentence for text in named)


def _kept(examples: list[Example], fold: int) -> list[Example]:
    return [example for i, example in enumerate(examples) if i % FOLDS != fold]


def _hits(examples: Sequence[Example], weights: np.ndarray) -> list[Hits]:
    """Is a gold sentence among the first 1, 3, 5?"""
    orders = [np.argsort(-(e.features @ weights[:-1]), kind="stable") for e in examples]
    return [tuple(bool(e.gold[order[:n]].any()) for n in (1, 3, 5)) for e, order in zip(examples, orders, strict=True)]


def _rates(hits: Sequence[Hits]) -> dict[str, float]:
    rates = np.mean(np.array(hits, float), axis=0).round(3).tolist()
    return {"questions": len(hits), **dict(zip(("hit@1", "hit@3", "hit@5"), rates, strict=True))}


def fit(examples: Sequence[Example]) -> np.ndarray:
    """Weights and, last, the bias."""
    import torch

    features = torch.tensor(np.concatenate([e.features for e in examples]), dtype=torch.float64)
    gold = torch.tensor(np.concatenate([e.gold for e in examples]), dtype=torch.float64)
    parameters = torch.zeros(features.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([parameters], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = features @ parameters[:-1] + parameters[-1]
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, gold, reduction="sum")
        value = value + 0.5 * PENALTY * (parameters[:-1] ** 2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    fitted: np.ndarray = parameters.detach().numpy()
    return fitted


if __name__ == "__main__":
    main()
