"""Fits the evidence weights of `rag.evidence` on the arXiv development questions, with cross-validation.

    paperchat eval dev-collection arxiv --dump CORPUS.jsonl.gz --output arxiv.jsonl
    paperchat ingest arxiv.jsonl --index DIR
    python -m eval.fit_evidence --index DIR

A sentence is positive where the question's author named it as the one that answers. Logistic regression,
L2 penalty, full batch.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.answers import read_jsonl
from rag import build, question, rewrite
from rag.config import Config
from rag.evidence import WEIGHTS, EvidenceScorer, features
from rag.pipeline import EVIDENCE_PAPERS
from rag.rerank import DEPTH, rerank
from rag.retrieve import HybridRetriever
from rag.types import Paper

QUESTIONS = Path(__file__).parent / "questions" / "arxiv_dev.jsonl"
KINDS = ("fact", "number", "followup")
FOLDS = 10
PENALTY = 1 / 3


@dataclass(frozen=True)
class Example:
    """The sentences of one question's ten papers: features (sentences, features) and which one answers."""

    features: np.ndarray
    gold: np.ndarray


def main() -> None:
    """Prints the weights and how often the gold sentence is among the first 1, 3 and 5."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    examples = collect(Config.load({"index": parser.parse_args().index}))
    hits = {1: 0, 3: 0, 5: 0}
    for fold in range(FOLDS):
        weights = fit([e for i, e in enumerate(examples) if i % FOLDS != fold])
        for example in examples[fold::FOLDS]:
            order = np.argsort(-(example.features @ weights[:-1] + weights[-1]), kind="stable")
            for n in hits:
                hits[n] += bool(example.gold[order[:n]].any())
    fitted = fit(examples)
    print(  # noqa: T201  # a script for people to run
        json.dumps(
            {
                "questions": len(examples),
                "cross-validated hit@n": {n: round(hit / len(examples), 3) for n, hit in hits.items()},
                "weights": dict(zip(WEIGHTS, fitted[:-1].round(2).tolist(), strict=True)),
                "bias": round(float(fitted[-1]), 2),
            },
            indent=1,
        )
    )


def collect(config: Config) -> list[Example]:
    """Features of every candidate sentence of every development question."""
    index, embedder = build.open_index(config), build.build_embedder(config)
    # As in the pipeline: evidence is weighed before reranking, on fused scores.
    retriever = HybridRetriever(index, embedder, candidates=config.candidates, dense_weight=config.dense_weight)
    scorer = EvidenceScorer(embedder, index.terms, index.catalog)
    examples = []
    for asked in read_jsonl(QUESTIONS):
        if asked["kind"] not in KINDS:
            continue
        alone = rewrite.standalone(asked["question"], [(user, reply) for user, reply in asked["history"]])
        fused = retriever.retrieve(alone, DEPTH)
        gold = {(paper_id, place) for paper_id, place in asked["evidence"]}
        look = scorer.look(question.read(alone), fused)
        ranked = rerank(fused, look.matches)
        near = look.among({passage.paper.id for passage in ranked[:EVIDENCE_PAPERS]})
        answers = [
            _is_gold(passage.paper, passage.paper.abstract[start:end], gold)
            for passage, own in zip(near.passages, near.sentences, strict=True)
            for start, end in own.spans
        ]
        examples.append(Example(features(near), np.array(answers)))
    return examples


def _is_gold(paper: Paper, sentence: str, gold: set[tuple[str, int]]) -> bool:
    # The authors counted sentences by this simpler rule.
    counted = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9(])", paper.abstract)
    named = [counted[k] for paper_id, k in gold if paper_id == paper.id and k < len(counted)]
    return any(sentence[:40] in text or text[:40] in sentence for text in named)


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
