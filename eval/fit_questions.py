"""Fits the changes of `rag.adapters.questions` on questions worded far from the abstracts that answer them.

    paperchat eval dev-collection train --dump CORPUS.jsonl.gz --output train.jsonl
    paperchat ingest train.jsonl --index TRAIN
    python -m eval.fit_questions --index TRAIN --output rag/adapters/minilm_questions.npz

Abstracts stay as they are. Three things are asked of a question as the changed encoder reads it: a softmax over every
chunk of the collection picks those of the gold paper; one over the papers that are looked at word by word, fused score
and match added, picks the gold paper; and one over its sentences picks the sentence that answers. A tenth of the
papers is left out, and what is printed after every epoch is of their questions.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eval.answers import read_jsonl
from eval.batches import of_like_length
from eval.collections import QUESTIONS
from eval.fit_evidence import answering
from rag import build, late
from rag.config import Config
from rag.evidence import EvidenceScorer
from rag.index import Index
from rag.late import Packed
from rag.protocols import Embedder, QuestionFit
from rag.rerank import DEPTH, rerank
from rag.retrieve import fuse
from rag.sentences import Sentences
from rag.types import Candidate

log = logging.getLogger(__name__)

FILES = ("arxiv_train", "arxiv_far")
LEFT_OUT = 10
EPOCHS, BATCH, RATE, WARMING, LONGEST_STEP = 3, 32, 5e-4, 20, 1.0
WHOLE_SCALE, TOKEN_SCALE, FUSED, FUSED_RATE, SENTENCES_COUNT = 30.0, 25.0, 4.0, 0.05, 0.5
TRAINED_ON = 20
"""Papers, and the gold one, between which a question's tokens choose in the fit."""
SHIPPED = Config()


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with what retrieval knows of it.

    Attributes:
        text: As it was asked.
        paper: Place of its gold paper in the collection.
        sentences: Places of the sentences that answer it.
        weights: What each of its content tokens counts.
        lexical: BM25 by the place of a paper.
        highest: BM25 that no paper exceeds.
    """

    text: str
    paper: int
    sentences: tuple[int, ...]
    weights: torch.Tensor
    lexical: dict[int, float]
    highest: float


@dataclass(frozen=True, eq=False)
class Read:
    """A question as an encoder reads it.

    Attributes:
        vector: Of the whole, shape (dimension,).
        tokens: Its projected content tokens, shape (tokens, token dimensions).
    """

    vector: torch.Tensor
    tokens: torch.Tensor


@dataclass(frozen=True, eq=False)
class Collection:
    """Questions and the papers they are asked of.

    Attributes:
        chunks: Vectors of all chunks, shape (chunks, dimension).
        papers_of: Place of each chunk's paper.
        tokens: Of each paper, shape (tokens, token dimensions).
        parts: For each of those tokens the part of the paper that it stands in: 0 the title, 1.. the sentences, the
            last what is in none.
        asked: The questions.
    """

    chunks: torch.Tensor
    papers_of: torch.Tensor
    tokens: tuple[torch.Tensor, ...]
    parts: tuple[torch.Tensor, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, eq=False)
class Example:
    """A question to fit on.

    Attributes:
        asked: The question.
        found: Places of papers that retrieval finds for it, the gold one among them.
        fused: Their fused scores.
    """

    asked: Asked
    found: list[int]
    fused: torch.Tensor


def main() -> None:
    """Fits, prints figures, and writes the changes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True, help="of the training collection")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(0)
    config = Config.load({"index": given.index})
    encoder = build.build_question_fit(config)
    questions = [row for name in FILES for row in read_jsonl(QUESTIONS / f"{name}.jsonl") if not row["history"]]
    collection = collect(config, build.build_embedder(config, unmoved=True), questions)
    kept = [asked for asked in collection.asked if asked.paper % LEFT_OUT]
    held = [asked for asked in collection.asked if asked.paper % LEFT_OUT == 0]
    log.info("%d questions, of %d left out: %s", len(kept), len(held), measures(collection, held, read(encoder, held)))
    fit(collection, kept, encoder, held)
    encoder.save(given.output)


def collect(config: Config, embedder: Embedder, questions: Sequence[dict[str, Any]]) -> Collection:
    """The papers of an index, and of the questions those with one gold paper there."""
    index = build.open_index(config)
    ids = [paper.id for paper in index.catalog.papers()]
    places = {paper_id: place for place, paper_id in enumerate(ids)}
    tokens, kept = index.catalog.tokens(ids), index.catalog.sentences(ids)
    chunks = dict(index.catalog.chunk_ids(ids))
    vectors = index.vectors.vectors([chunk for own in chunks.values() for chunk in own])
    answered = [row for row in questions if len(row["gold"]) == 1 and row["gold"][0] in places]
    return Collection(
        torch.tensor(np.stack([vectors[chunk] for own in chunks.values() for chunk in own])),
        torch.tensor([places[paper_id] for paper_id, own in chunks.items() for _ in own]),
        tuple(torch.tensor(late.opened(tokens[paper_id]).vectors) for paper_id in ids),
        tuple(_parts(tokens[paper_id], kept[paper_id]) for paper_id in ids),
        tuple(_asked(index, embedder, answered, places)),
    )


def _parts(tokens: Packed, sentences: Sentences) -> torch.Tensor:
    starts, ends = sentences.spans[:, 0], sentences.spans[:, 1]
    if not len(starts):
        return torch.zeros(len(tokens.places), dtype=torch.long)
    at = np.searchsorted(starts, tokens.places, side="right") - 1
    inside = (at >= 0) & (tokens.places < ends[np.maximum(at, 0)])
    return torch.tensor(np.where(tokens.places < 0, 0, np.where(inside, at + 1, len(starts) + 1)))


def _asked(
    index: Index, embedder: Embedder, questions: Sequence[dict[str, Any]], places: dict[str, int]
) -> Sequence[Asked]:
    scorer = EvidenceScorer(embedder, index.terms, index.catalog)
    found = []
    for row in questions:
        text = row["question"]
        found.append(
            Asked(
                text,
                places[row["gold"][0]],
                tuple(sorted(place for paper_id, place in answering(row) if paper_id == row["gold"][0])),
                torch.tensor(late.weights(text, embedder.query_tokens(text), scorer.idf(text))),
                {places[paper_id]: score for paper_id, score in index.terms.query(text, SHIPPED.candidates)},
                index.terms.highest(text),
            )
        )
    return found


def read(encoder: QuestionFit, asked: Sequence[Asked]) -> list[Read]:
    """The questions as they are read now."""
    found = []
    encoder.train(False)
    with torch.no_grad():
        for at in range(0, len(asked), BATCH):
            vectors, tokens = encoder.read([one.text for one in asked[at : at + BATCH]])
            found += [Read(vector, own) for vector, own in zip(vectors, tokens, strict=True)]
    return found


def fit(collection: Collection, kept: Sequence[Asked], encoder: QuestionFit, held: Sequence[Asked] = ()) -> None:
    """Changes the encoder's reading; `held` are questions whose figures are told after every epoch."""
    examples = [_example(collection, *one) for one in zip(kept, read(encoder, kept), strict=True)]
    parameters = list(encoder.parameters())
    fused_counts = torch.tensor(FUSED, requires_grad=True)
    groups: list[dict[str, Any]] = [{"params": parameters}, {"params": [fused_counts], "lr": FUSED_RATE}]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    steps = EPOCHS * math.ceil(len(examples) / BATCH)
    step = 0
    for epoch in range(EPOCHS):
        encoder.train(True)
        losses = []
        for batch in of_like_length(examples, BATCH, lambda example: len(example.asked.text), epoch):
            optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / WARMING) * (1 - step / steps)
            loss = _loss(collection, batch, encoder, fused_counts)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, LONGEST_STEP)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        told = json.dumps(measures(collection, held, read(encoder, held))) if held else ""
        log.info("epoch %d of %d, loss %.3f %s", epoch + 1, EPOCHS, np.mean(losses), told)
    encoder.train(False)


def _example(collection: Collection, asked: Asked, now: Read) -> Example:
    found, fused = candidates(collection, asked, now)
    found, fused = found[:TRAINED_ON], fused[:TRAINED_ON]
    if asked.paper not in found:
        found, fused = [*found, asked.paper], torch.cat([fused, fused[-1:]])
    return Example(asked, found, fused)


def _loss(
    collection: Collection, examples: Sequence[Example], encoder: QuestionFit, fused_counts: torch.Tensor
) -> torch.Tensor:
    vectors, tokens = encoder.read([example.asked.text for example in examples])
    likely = (WHOLE_SCALE * vectors @ collection.chunks.T).log_softmax(-1)
    gold = collection.papers_of[None] == torch.tensor([example.asked.paper for example in examples])[:, None]
    whole: torch.Tensor = -likely.masked_fill(~gold, -torch.inf).logsumexp(-1).mean()
    by_word = [
        _token_loss(collection, example, own, fused_counts)
        for example, own in zip(examples, tokens, strict=True)
        if len(own)
    ]
    return whole + torch.stack(by_word).mean() if by_word else whole


def _token_loss(
    collection: Collection, example: Example, tokens: torch.Tensor, fused_counts: torch.Tensor
) -> torch.Tensor:
    match, sentences = interactions(collection, example.asked, example.found, tokens)
    place = example.found.index(example.asked.paper)
    loss = -(TOKEN_SCALE * match + fused_counts * example.fused).log_softmax(0)[place]
    own = sentences[place]
    if gold := [s for s in example.asked.sentences if s < len(own)]:
        loss = loss - SENTENCES_COUNT * (TOKEN_SCALE * own).log_softmax(0)[gold].logsumexp(0)
    return loss


def candidates(collection: Collection, asked: Asked, now: Read) -> tuple[list[int], torch.Tensor]:
    """Places of the papers that are looked at word by word, best first, and their fused scores."""
    cosines = collection.chunks @ now.vector
    papers = int(collection.papers_of.max()) + 1
    nearest = torch.full((papers,), -2.0).scatter_reduce(0, collection.papers_of, cosines, "amax")
    either = [*nearest.topk(min(SHIPPED.candidates, papers)).indices.tolist(), *asked.lexical]
    dense = {str(place): float(nearest[place]) for place in dict.fromkeys(either)}
    lexical = {str(place): score for place, score in asked.lexical.items()}
    fused = fuse(dense, lexical, SHIPPED.dense_weight, asked.highest)
    best = sorted(fused, key=lambda key: -fused[key])[:DEPTH]
    return [int(key) for key in best], torch.tensor([fused[key] for key in best])


def interactions(
    collection: Collection, asked: Asked, found: Sequence[int], tokens: torch.Tensor
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """As `rag.late.interactions`, with gradients: the match of each paper, and that of each of its sentences."""
    weight = asked.weights / asked.weights.sum()
    counts = [int(collection.parts[place].max()) + 1 if len(collection.parts[place]) else 1 for place in found]
    edges = [0, *np.cumsum(counts).tolist()]
    parts = torch.cat([collection.parts[place] + edge for place, edge in zip(found, edges, strict=False)])
    cosines = torch.cat([collection.tokens[place] for place in found]) @ tokens.T
    spread = parts[:, None].expand(-1, len(tokens))
    nearest = torch.full((edges[-1], len(tokens)), -1.0).scatter_reduce(0, spread, cosines, "amax")
    whole = torch.stack([nearest[a:b].amax(0) for a, b in pairwise(edges)]) @ weight
    sentences = [torch.maximum(nearest[a + 1 : b], nearest[a : a + 1]) @ weight for a, b in pairwise(edges)]
    best = torch.stack([own.max() if len(own) else whole[n] for n, own in enumerate(sentences)])
    return (whole + best) / 2, sentences


def measures(collection: Collection, asked: Sequence[Asked], as_read: Sequence[Read]) -> dict[str, float]:
    """nDCG@10, recall@5, and how often the gold paper's best sentence is one that answers."""
    gains, found_in_five, best_answers = [], [], []
    for one, now in zip(asked, as_read, strict=True):
        found, fused = candidates(collection, one, now)
        place = found.index(one.paper) if one.paper in found else None
        if place is not None and len(now.tokens):
            match, sentences = interactions(collection, one, found, now.tokens)
            own = sentences[place]
            if one.sentences and len(own):
                best_answers.append(int(own.argmax()) in one.sentences)
            scored = zip(found, fused.tolist(), strict=True)
            before = [Candidate(str(p), "", score, n, 0.0, None, None) for n, (p, score) in enumerate(scored, start=1)]
            after = rerank(before, {str(p): float(m) for p, m in zip(found, match, strict=True)})
            place = [candidate.paper_id for candidate in after].index(str(one.paper))
        gains.append(1 / math.log2(place + 2) if place is not None and place < 10 else 0.0)
        found_in_five.append(place is not None and place < 5)
    return {
        "questions": len(asked),
        "nDCG@10": _mean(gains),
        "recall@5": _mean(found_in_five),
        "its best sentence answers": _mean(best_answers),
    }


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3) if values else 0.0


if __name__ == "__main__":
    main()
