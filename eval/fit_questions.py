"""Fits the maps of `rag.adapters.questions` on questions worded far from the abstracts that answer them.

    paperchat eval dev-collection train --dump CORPUS.jsonl.gz --output train.jsonl
    paperchat ingest train.jsonl --index TRAIN
    python -m eval.fit_questions --index TRAIN --output rag/adapters/minilm_questions.npz

Vectors of abstracts stay as they are. The map of whole questions is fitted so that a softmax over every chunk of a
collection picks those of the gold paper; the map of tokens so that one over the first papers, fused score and match
added, picks the gold paper, and one over its sentences the sentence that answers. Printed are figures of questions
whose papers were left out.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import dropout, normalize

from eval.answers import read_jsonl
from eval.collections import QUESTIONS
from eval.fit_evidence import answering
from rag import build, late
from rag.config import Config
from rag.evidence import EvidenceScorer
from rag.index import Index
from rag.late import Packed
from rag.rerank import DEPTH, rerank
from rag.retrieve import fuse
from rag.sentences import Sentences
from rag.types import Candidate

FILES = ("arxiv_train", "arxiv_far")
FOLDS = 3
WHOLE_EPOCHS, WHOLE_BATCH, WHOLE_RATE, WHOLE_SCALE, DROPPED = 8, 64, 3e-4, 30.0, 0.1
TOKEN_EPOCHS, TOKEN_BATCH, TOKEN_RATE, TOKEN_SCALE, FUSED_RATE, SENTENCES_COUNT = 4, 8, 1e-3, 25.0, 0.05, 0.5
TRAINED_ON = 30
"""Papers that the map of tokens is fitted on for a question, and the gold one."""
SHIPPED = Config()


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with what retrieval knows of it.

    Attributes:
        paper: Place of its gold paper in the collection.
        sentences: Places of the sentences that answer it.
        vector: Shape (dimension,), as the model gives it.
        tokens: Its projected content tokens, shape (tokens, token dimensions), not moved.
        weights: What each of them counts.
        lexical: BM25 by the place of a paper.
        highest: BM25 that no paper exceeds.
    """

    paper: int
    sentences: tuple[int, ...]
    vector: torch.Tensor
    tokens: torch.Tensor
    weights: torch.Tensor
    lexical: dict[int, float]
    highest: float


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
class Maps:
    """What is added to a question's vectors; see `rag.adapters.questions.QuestionMaps`."""

    whole: torch.Tensor
    shift: torch.Tensor
    tokens: torch.Tensor

    def vector(self, asked: Asked) -> torch.Tensor:
        """The question's vector, moved."""
        return normalize(asked.vector + asked.vector @ self.whole + self.shift, dim=-1)

    def rows(self, asked: Asked) -> torch.Tensor:
        """Its tokens, moved."""
        return normalize(asked.tokens + asked.tokens @ self.tokens, dim=-1)


def main() -> None:
    """Prints figures under cross-validation and writes maps fitted on everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True, help="of the training collection")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    torch.manual_seed(0)
    questions = [row for name in FILES for row in read_jsonl(QUESTIONS / f"{name}.jsonl") if not row["history"]]
    collection = collect(Config.load({"index": given.index}), questions)
    before, after = [], []
    for fold in range(FOLDS):
        maps = fit(collection, [a for a in collection.asked if a.paper % FOLDS != fold])
        held = [a for a in collection.asked if a.paper % FOLDS == fold]
        before.append(measures(collection, held, unmoved(collection)))
        after.append(measures(collection, held, maps))
    names = [name for name in before[0] if name != "questions"]
    told = {name: {"before": _mean(before, name), "after": _mean(after, name)} for name in names}
    print(json.dumps({"questions": len(collection.asked), **told}, indent=1))  # noqa: T201
    maps = fit(collection, collection.asked)
    stored = {name: getattr(maps, name).numpy().astype(np.float16) for name in ("whole", "shift", "tokens")}
    np.savez_compressed(given.output, allow_pickle=False, **stored)


def _mean(measured: Sequence[dict[str, Any]], name: str) -> float:
    counts = [row["questions"] for row in measured]
    return round(float(np.average([row[name] for row in measured], weights=counts)), 3)


def collect(config: Config, questions: Sequence[dict[str, Any]]) -> Collection:
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
        tuple(_asked(index, config, answered, places)),
    )


def _parts(tokens: Packed, sentences: Sentences) -> torch.Tensor:
    starts, ends = sentences.spans[:, 0], sentences.spans[:, 1]
    if not len(starts):
        return torch.zeros(len(tokens.places), dtype=torch.long)
    at = np.searchsorted(starts, tokens.places, side="right") - 1
    inside = (at >= 0) & (tokens.places < ends[np.maximum(at, 0)])
    return torch.tensor(np.where(tokens.places < 0, 0, np.where(inside, at + 1, len(starts) + 1)))


def _asked(
    index: Index, config: Config, questions: Sequence[dict[str, Any]], places: dict[str, int]
) -> Sequence[Asked]:
    raw = build.build_embedder(config, unmoved=True)
    scorer = EvidenceScorer(raw, index.terms, index.catalog)
    found = []
    for row in questions:
        text, own = row["question"], raw.query_tokens(row["question"])
        found.append(
            Asked(
                places[row["gold"][0]],
                tuple(sorted(place for paper_id, place in answering(row) if paper_id == row["gold"][0])),
                torch.tensor(raw.embed_query(text)),
                torch.tensor(own.vectors),
                torch.tensor(late.weights(text, own, scorer.idf(text))),
                {places[paper_id]: score for paper_id, score in index.terms.query(text, SHIPPED.candidates)},
                index.terms.highest(text),
            )
        )
    return found


def unmoved(collection: Collection) -> Maps:
    """Maps that change nothing."""
    width, narrow = collection.chunks.shape[1], collection.tokens[0].shape[1]
    return Maps(torch.zeros(width, width), torch.zeros(width), torch.zeros(narrow, narrow))


def fit(collection: Collection, kept: Sequence[Asked]) -> Maps:
    """Both maps, fitted on the questions that are kept."""
    return fit_tokens(collection, kept, fit_whole(collection, kept))


def fit_whole(collection: Collection, kept: Sequence[Asked]) -> Maps:
    """The map of whole questions."""
    start = unmoved(collection)
    whole, shift = start.whole.requires_grad_(), start.shift.requires_grad_()
    optimizer = torch.optim.AdamW([whole, shift], lr=WHOLE_RATE)
    shuffled = random.Random(0).sample(kept, len(kept))
    batches = [shuffled[at : at + WHOLE_BATCH] for at in range(0, len(shuffled), WHOLE_BATCH)]
    steps = WHOLE_EPOCHS * len(batches)
    for step in range(steps):
        if step % len(batches) == 0:
            random.Random(step).shuffle(batches)
        asked = batches[step % len(batches)]
        vectors = dropout(torch.stack([a.vector for a in asked]), DROPPED)
        moved = normalize(vectors + vectors @ whole + shift, dim=-1)
        likely = (WHOLE_SCALE * moved @ collection.chunks.T).log_softmax(-1)
        gold = collection.papers_of[None] == torch.tensor([a.paper for a in asked])[:, None]
        _step(optimizer, -likely.masked_fill(~gold, -torch.inf).logsumexp(-1).mean(), 1 - step / steps, WHOLE_RATE)
    return Maps(whole.detach(), shift.detach(), start.tokens)


def fit_tokens(collection: Collection, kept: Sequence[Asked], maps: Maps) -> Maps:
    """The map of tokens, beside a given map of whole questions."""
    tokens = maps.tokens.clone().requires_grad_()
    fused_counts = torch.tensor(4.0, requires_grad=True)
    groups: list[dict[str, Any]] = [{"params": [tokens]}, {"params": [fused_counts], "lr": FUSED_RATE}]
    optimizer = torch.optim.AdamW(groups, lr=TOKEN_RATE)
    moved = Maps(maps.whole, maps.shift, tokens)
    examples = [
        (asked, *_with_gold(*candidates(collection, asked, maps), asked.paper)) for asked in kept if len(asked.tokens)
    ]
    steps = TOKEN_EPOCHS * (len(examples) // TOKEN_BATCH)
    for step in range(steps):
        at = step % (len(examples) // TOKEN_BATCH)
        if at == 0:
            random.Random(step).shuffle(examples)
        losses = [
            _token_loss(collection, *example, moved, fused_counts)
            for example in examples[at * TOKEN_BATCH : (at + 1) * TOKEN_BATCH]
        ]
        _step(optimizer, torch.stack(losses).mean(), 1 - step / steps, TOKEN_RATE)
    return Maps(maps.whole, maps.shift, tokens.detach())


def _with_gold(found: list[int], fused: torch.Tensor, gold: int) -> tuple[list[int], torch.Tensor]:
    found, fused = found[:TRAINED_ON], fused[:TRAINED_ON]
    return (found, fused) if gold in found else ([*found, gold], torch.cat([fused, fused[-1:]]))


def _token_loss(
    collection: Collection,
    asked: Asked,
    found: list[int],
    fused: torch.Tensor,
    maps: Maps,
    fused_counts: torch.Tensor,
) -> torch.Tensor:
    match, sentences = interactions(collection, asked, found, maps)
    place = found.index(asked.paper)
    loss = -(TOKEN_SCALE * match + fused_counts * fused).log_softmax(0)[place]
    own = sentences[place]
    if gold := [s for s in asked.sentences if s < len(own)]:
        loss = loss - SENTENCES_COUNT * (TOKEN_SCALE * own).log_softmax(0)[gold].logsumexp(0)
    return loss


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor, left: float, rate: float) -> None:
    optimizer.param_groups[0]["lr"] = rate * left
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def candidates(collection: Collection, asked: Asked, maps: Maps) -> tuple[list[int], torch.Tensor]:
    """Places of the papers that are looked at word by word, best first, and their fused scores."""
    with torch.no_grad():
        cosines = collection.chunks @ maps.vector(asked)
    papers = int(collection.papers_of.max()) + 1
    nearest = torch.full((papers,), -2.0).scatter_reduce(0, collection.papers_of, cosines, "amax")
    either = [*nearest.topk(min(SHIPPED.candidates, papers)).indices.tolist(), *asked.lexical]
    dense = {str(place): float(nearest[place]) for place in dict.fromkeys(either)}
    lexical = {str(place): score for place, score in asked.lexical.items()}
    fused = fuse(dense, lexical, SHIPPED.dense_weight, asked.highest)
    best = sorted(fused, key=lambda key: -fused[key])[:DEPTH]
    return [int(key) for key in best], torch.tensor([fused[key] for key in best])


def interactions(
    collection: Collection, asked: Asked, found: Sequence[int], maps: Maps
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """As `rag.late.interactions`, with gradients: the match of each paper, and that of each of its sentences."""
    rows = maps.rows(asked)
    weight = asked.weights / asked.weights.sum()
    counts = [int(collection.parts[place].max()) + 1 if len(collection.parts[place]) else 1 for place in found]
    edges = [0, *np.cumsum(counts).tolist()]
    parts = torch.cat([collection.parts[place] + edge for place, edge in zip(found, edges, strict=False)])
    cosines = torch.cat([collection.tokens[place] for place in found]) @ rows.T
    spread = parts[:, None].expand(-1, len(rows))
    nearest = torch.full((edges[-1], len(rows)), -1.0).scatter_reduce(0, spread, cosines, "amax")
    whole = torch.stack([nearest[a:b].amax(0) for a, b in pairwise(edges)]) @ weight
    sentences = [torch.maximum(nearest[a + 1 : b], nearest[a : a + 1]) @ weight for a, b in pairwise(edges)]
    best = torch.stack([own.max() if len(own) else whole[n] for n, own in enumerate(sentences)])
    return (whole + best) / 2, sentences


def measures(collection: Collection, asked: Sequence[Asked], maps: Maps) -> dict[str, float]:
    """nDCG@10, recall@5, and how often the gold paper's best sentence is one that answers."""
    gains, found_in_five, best_answers = [], [], []
    for one in asked:
        found, fused = candidates(collection, one, maps)
        place = found.index(one.paper) if one.paper in found else None
        if place is not None and len(one.tokens):
            match, sentences = interactions(collection, one, found, maps)
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
        "nDCG@10": float(np.mean(gains)) if gains else 0.0,
        "recall@5": float(np.mean(found_in_five)) if gains else 0.0,
        "its best sentence answers": float(np.mean(best_answers)) if best_answers else 0.0,
    }


if __name__ == "__main__":
    main()
