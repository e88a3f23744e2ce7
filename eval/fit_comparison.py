"""Fits the networks of `rag.support_comparison`, and how they count beside `rag.support_model`.

    python -m eval.fit_comparison --data ../shared/data

Fitted on written training pairs, SciFact's training claims and generated pairs (`eval.support_data`), one network for
each fold of papers on the others. How they count, and the thresholds, come from `train_twins.jsonl`, each pair as the
network that has not seen it says: the model over features was fitted on none of those. Those pairs were written so that
a false claim is nearer to the abstract's words than the true one; left so, a network learns that what is near is false.
They are weighed so that nearness and length tell nothing. Of the written pairs, those for testing and for checking are
never read.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from tqdm import tqdm

from eval import support_data
from eval.batches import of_like_length
from eval.fit_support import FALSE_SUPPORTED, FALSE_WEAK, SHARE, folds, logistic, threshold
from eval.support_measures import auc
from rag import build, support_comparison, support_model
from rag.config import Config
from rag.support import SupportChecker
from rag.support_comparison import MARKS, STEP, Combination, Compared, Thresholds, compared

log = logging.getLogger(__name__)

FOLDS = 4
GENERATED_FROM = 800
"""Abstracts of each corpus."""
WIDTH, DROPPED = 64, 0.3
EPOCHS, BATCH, RATE, DECAY, WARMING, LONGEST_STEP = 4, 64, 1e-3, 0.01, 50, 1.0
UNIT = 8.0
"""Unit vectors times this enter the projection, so that it learns as fast as the rest; the stored weights hold it."""
NEVER = -1e4
MOST_WEIGHT = 5.0
"""Of a pair, and the inverse the least, where pairs are weighed to be even."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A claim and its evidence, whether they agree, and what that counts in the fit."""

    compared: Compared
    supported: bool
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Examples filled up to one length; of `*_there`, shape (examples, words), true where a word is."""

    claim: torch.Tensor
    claim_marks: torch.Tensor
    claim_there: torch.Tensor
    evidence: torch.Tensor
    evidence_marks: torch.Tensor
    evidence_there: torch.Tensor
    same: torch.Tensor


class Network(torch.nn.Module):
    """As `rag.support_comparison` computes it."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        beside = 4 * WIDTH + 5 + 2 * MARKS
        self.projection = torch.nn.Linear(dimension, WIDTH)
        self.sharpness = torch.nn.Parameter(torch.tensor(10.0))
        self.sameness = torch.nn.Parameter(torch.tensor(3.0))
        self.there = torch.nn.Linear(beside, WIDTH)
        self.back = torch.nn.Linear(beside, WIDTH)
        self.hidden = torch.nn.Linear(4 * WIDTH, WIDTH)
        self.out = torch.nn.Linear(WIDTH, 1)
        self.dropout = torch.nn.Dropout(DROPPED)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Log-odds, shape (examples,)."""
        cosines = batch.claim @ batch.evidence.transpose(1, 2)
        claim, evidence = self.projection(UNIT * batch.claim), self.projection(UNIT * batch.evidence)
        sharpness = self.sharpness * cosines + self.sameness * batch.same
        there = _beside(
            claim, evidence, batch.claim_marks, batch.evidence_marks, cosines, batch.same, sharpness,
            batch.evidence_there,
        )  # fmt: skip
        back = _beside(
            evidence, claim, batch.evidence_marks, batch.claim_marks, cosines.transpose(1, 2),
            batch.same.transpose(1, 2), sharpness.transpose(1, 2), batch.claim_there,
        )  # fmt: skip
        pooled = [
            *_pooled(self._layer(self.there, there), batch.claim_there),
            *_pooled(self._layer(self.back, back), batch.evidence_there),
        ]
        hidden = self.dropout(functional.relu(self.hidden(torch.cat(pooled, -1))))
        found: torch.Tensor = self.out(hidden).squeeze(-1)
        return found

    def _layer(self, layer: torch.nn.Linear, values: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.dropout(functional.relu(layer(self.dropout(values))))
        return found

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """The weights as they are stored."""
        found = {name: value.detach().clone() for name, value in self.state_dict().items()}
        found["projection.weight"] *= UNIT
        return {name: value.numpy().astype(np.float16) for name, value in found.items()}


def _beside(
    own: torch.Tensor, other: torch.Tensor, own_marks: torch.Tensor, other_marks: torch.Tensor, cosines: torch.Tensor,
    same: torch.Tensor, sharpness: torch.Tensor, other_there: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    absent = ~other_there[:, None]
    attention = sharpness.masked_fill(absent, NEVER).softmax(-1)
    found = attention @ other
    places = attention @ torch.arange(other.shape[1], dtype=attention.dtype)
    steps = (places.diff(dim=-1) / STEP).clamp(-2, 2)
    told = [
        cosines.masked_fill(absent, -1.0).amax(-1), same.amax(-1), functional.pad(steps, (1, 0)),
        functional.pad(steps, (0, 1)), -(attention * (attention + 1e-9).log()).sum(-1),
    ]  # fmt: skip
    return torch.cat(
        [own, found, own - found, own * found, torch.stack(told, -1), own_marks, attention @ other_marks], -1
    )


def _pooled(words: torch.Tensor, there: torch.Tensor) -> list[torch.Tensor]:
    absent = ~there[..., None]
    mean = words.masked_fill(absent, 0.0).sum(1) / there.sum(1, keepdim=True)
    return [mean, words.masked_fill(absent, NEVER).amax(1)]


def main() -> None:
    """Fits, prints cross-validated figures, and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=support_data.DATA)
    data = parser.parse_args().data
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    sources = {
        "twins": support_data.written("train_twins", data),
        "written": support_data.written("train", data),
        "scifact": support_data.scifact(data),
        "generated": support_data.generated(data, per_corpus=GENERATED_FROM),
    }
    checker = SupportChecker(build.build_embedder(Config.load()))
    rows = {name: read_pairs(checker, name, own) for name, own in sources.items()}
    twins, found, networks = fit_folds([*evened(rows.pop("twins")), *(row for own in rows.values() for row in own)])
    combination = combine(twins, found)
    save(networks, combination, support_comparison.FILE)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """An example, where it comes from, its paper, and the log-odds of the model over features."""

    example: Example
    source: str
    paper: str
    odds: float


def read_pairs(checker: SupportChecker, source: str, pairs: Sequence[support_data.Pair]) -> list[Row]:
    """The pairs of which the evidence comes near the claim."""
    rarity = support_model.load().rarity
    found = []
    for pair in tqdm(pairs, desc=source, unit="pair"):
        scored = checker.score(pair.claim, pair.evidence, pair.title)
        taken = compared(scored.claim, scored.window, rarity) if scored else None
        if scored and taken:
            example = Example(taken, pair.supported, SHARE.get(source, 1.0))
            found.append(Row(example, source, pair.paper, checker.model.log_odds(scored.features)))
    return found


def evened(rows: Sequence[Row]) -> list[Row]:
    """The rows weighed so that how near the claim is to the evidence, and its length, do not tell whether it is true.

    Each counts by the inverse of how likely a logistic model of these measures thinks its truth; true and false ones
    keep their total.
    """
    truth = np.array([float(row.example.supported) for row in rows])
    told = np.array([_nearness(row.example.compared) for row in rows])
    told = (told - told.mean(axis=0)) / (told.std(axis=0) + 1e-6)
    told = np.hstack([told, told**2])
    slope, shift = logistic(told, truth, np.ones(len(rows)), penalty=1e-3)
    likely = 1 / (1 + np.exp(-(told @ slope + shift)))
    weights = np.clip(0.5 / np.where(truth == 1, likely, 1 - likely), 1 / MOST_WEIGHT, MOST_WEIGHT)
    for side in (0.0, 1.0):
        weights[truth == side] /= weights[truth == side].mean()
    return [
        replace(row, example=replace(row.example, weight=row.example.weight * weight))
        for row, weight in zip(rows, weights.tolist(), strict=True)
    ]


def _nearness(taken: Compared) -> tuple[float, float, int]:
    """Words of the claim that the evidence has, how alike its words are to the nearest there, and their number."""
    alike = (taken.claim @ taken.evidence.T).max(axis=1)
    return float(taken.same.max(axis=1).mean()), float(alike.mean()), len(taken.claim)


def fit_folds(rows: Sequence[Row]) -> tuple[list[Row], NDArray[np.float64], list[Network]]:
    """A network for each fold on the others; the twins, and what the network of the fold of each says of it."""
    places = folds([row.paper for row in rows], FOLDS)
    twins = [row for row in rows if row.source == "twins"]
    found, networks = np.zeros(len(twins)), []
    for fold in range(FOLDS):
        networks.append(fit([row.example for row in rows if places[row.paper] != fold], seed=fold))
        held = [i for i, row in enumerate(twins) if places[row.paper] == fold]
        found[held] = log_odds(networks[-1], [twins[i].example.compared for i in held])
    return twins, found, networks


def combine(twins: Sequence[Row], found: NDArray[np.float64]) -> Combination:
    """How both count, by a logistic model of the twins, and the thresholds by the shares of false ones that pass."""
    truth = np.array([float(row.example.supported) for row in twins])
    both = np.column_stack([[row.odds for row in twins], found])
    counted = np.array([row.example.weight for row in twins])
    weights, shift = logistic(both, truth, counted, penalty=1e-3)
    odds = both @ weights + shift
    probability = 1 / (1 + np.exp(-odds))
    supported, weak = (threshold(probability[truth == 0], share) for share in (FALSE_SUPPORTED, FALSE_WEAK))
    for name, scores in (("features", both[:, 0]), ("networks", found), ("both", odds)):
        log.info("AUC of %s on %d twins: %.3f", name, len(twins), auc(truth, scores))
    kept = float((probability[truth == 1] > supported).mean())
    log.info("weights %s, supported at %.3f keeps %.2f of true ones, weak at %.3f", weights, supported, kept, weak)
    return Combination(float(weights[0]), float(weights[1]), shift, Thresholds(supported + 0.0005, weak))


def fit(examples: Sequence[Example], seed: int = 0) -> Network:
    """A network fitted on the examples."""
    torch.manual_seed(seed)
    network = Network(examples[0].compared.claim.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    steps, step = EPOCHS * math.ceil(len(examples) / BATCH), 0
    network.train()
    for epoch in range(EPOCHS):
        losses = []
        for drawn in of_like_length(examples, BATCH, _words, seed + epoch):
            optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / WARMING) * (1 - step / steps)
            truth = torch.tensor([float(example.supported) for example in drawn])
            weights = torch.tensor([example.weight for example in drawn])
            found = network(batch([example.compared for example in drawn]))
            lost = functional.binary_cross_entropy_with_logits(found, truth, reduction="none")
            loss = (lost * weights).sum() / weights.sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST_STEP)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        log.info("epoch %d of %d, loss %.3f", epoch + 1, EPOCHS, np.mean(losses))
    return network.train(False)


def _words(example: Example) -> int:
    return len(example.compared.evidence)


def log_odds(network: Network, compared: Sequence[Compared]) -> NDArray[np.float64]:
    """What the network says of each, in the order given."""
    found = np.zeros(len(compared))
    order = sorted(range(len(compared)), key=lambda i: len(compared[i].evidence))
    with torch.inference_mode():
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            found[rows] = network(batch([compared[i] for i in rows])).numpy()
    return found


def batch(compared: Sequence[Compared]) -> Batch:
    """Several as one."""
    claims, evidence = ([len(getattr(one, side)) for one in compared] for side in ("claim", "evidence"))
    same = torch.zeros(len(compared), max(claims), max(evidence))
    for row, one in zip(same, compared, strict=True):
        row[: one.same.shape[0], : one.same.shape[1]] = torch.from_numpy(one.same)
    return Batch(
        _filled([one.claim for one in compared]), _filled([one.claim_marks for one in compared]), _there(claims),
        _filled([one.evidence for one in compared]), _filled([one.evidence_marks for one in compared]),
        _there(evidence), same,
    )  # fmt: skip


def save(networks: Sequence[Network], combination: Combination, path: Path) -> None:
    """Writes them for `rag.support_comparison`."""
    arrays = [network.arrays() for network in networks]
    stacked: dict[str, NDArray[np.floating]] = {name: np.stack([own[name] for own in arrays]) for name in arrays[0]}
    thresholds = combination.thresholds
    counted = (
        combination.features, combination.networks, combination.shift, thresholds.supported, thresholds.weak,
    )  # fmt: skip
    np.savez_compressed(path, allow_pickle=False, combination=np.array(counted, np.float32), **stacked)


def _filled(rows: Sequence[NDArray[np.float32]]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(row) for row in rows], batch_first=True)


def _there(lengths: Sequence[int]) -> torch.Tensor:
    return torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]


if __name__ == "__main__":
    main()
