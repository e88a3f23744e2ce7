"""What the support model looks at: how a claim relates to the sentences that may carry it.

Words and cues are compared as written. Where the embedder tells tokens apart, each word of the claim is also
aligned to the word of the evidence nearest to it in context (as BERTScore does, Zhang et al. 2020), which sees
synonyms, and numbers that are given for something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.support_opposites import opposite
from rag.support_reading import PRONOUNS, Reading, prefix_opposite

Array = NDArray[np.float64]

RARE = 6.0
"""Rarity (natural logarithm) of a word that the table does not have."""
NEAR = 0.55
"""Cosine above which two words in context are taken for the same thing."""
FAR = 0.42


class Rarity:
    """How rare a stem is in abstracts."""

    def __init__(self, table: Mapping[str, float]) -> None:
        self._table = table

    def of(self, stem: str) -> float:
        """Natural logarithm of abstracts over abstracts with the stem."""
        return 0.0 if stem.isdigit() else self._table.get(stem, RARE)


def features(
    claim: Reading,
    window: Reading,
    abstract_terms: set[str],
    abstract_figures: set[str],
    rarity: Rarity,
    title: str = "",
) -> dict[str, float]:
    """All features of a claim against the sentences chosen for it.

    Args:
        claim: The sentence to be checked.
        window: The sentences that may carry it, joined.
        abstract_terms: Content stems of the whole abstract and its title.
        abstract_figures: Numbers of the whole abstract and its title.
        rarity: Of words.
        title: The paper's title.
    """
    values = {
        **_overlap(claim, window, abstract_terms, rarity),
        **_figures(claim, window, abstract_figures),
        **_cues(claim, window),
        **_opposites(claim, window),
        **_names(claim, window, title),
    }
    if claim.vectors is not None and window.vectors is not None:
        values |= _alignment(claim, window, rarity)
    return values


def coverage(claim: Reading, held: set[str], rarity: Rarity) -> float:
    """Share of the claim's content, by rarity, that is among `held` stems."""
    weights = {t: rarity.of(t) for t in claim.terms()}
    total = sum(weights.values())
    return sum(w for t, w in weights.items() if t in held) / total if total else 0.0


def _overlap(claim: Reading, window: Reading, abstract_terms: set[str], rarity: Rarity) -> dict[str, float]:
    said, held = claim.terms(), window.terms()
    missing = [rarity.of(t) for t in said - abstract_terms]
    bigrams = _bigrams(claim)
    return {
        "coverage": coverage(claim, held, rarity),
        "coverage_abstract": coverage(claim, abstract_terms, rarity),
        "missing_rarest": max(missing, default=0.0),
        "missing": float(len(missing)),
        "window_covered": coverage(window, said, rarity),
        "bigrams": len(bigrams & _bigrams(window)) / len(bigrams) if bigrams else 0.0,
        "sequence": _common_sequence(claim, window) / max(1, len(claim.content)),
        "words": float(len(claim.content)),
        "pronoun": float(bool(claim.words) and claim.words[0] in PRONOUNS),
    }


def _bigrams(reading: Reading) -> set[tuple[str, str]]:
    stems = [reading.stems[i] for i in reading.content]
    return set(pairwise(stems))


def _common_sequence(claim: Reading, window: Reading) -> int:
    first = [claim.stems[i] for i in claim.content]
    second = [window.stems[i] for i in window.content]
    row = [0] * (len(second) + 1)
    for a in first:
        previous = 0
        for i, b in enumerate(second, start=1):
            previous, row[i] = row[i], previous + 1 if a == b else max(row[i], row[i - 1])
    return row[-1]


def _figures(claim: Reading, window: Reading, abstract_figures: set[str]) -> dict[str, float]:
    held = {figure for _, figure in window.figures}
    bare = {_bare(figure) for figure in held}
    said = [figure for _, figure in claim.figures]
    return {
        "figures": float(len(said)),
        "figures_missing": float(sum(f not in held for f in said)),
        "figures_missing_abstract": float(sum(f not in abstract_figures for f in said)),
        "figures_missing_bare": float(sum(_bare(f) not in bare for f in said)),
        "figure_unit_differs": float(sum(f not in held and _bare(f) in bare for f in said)),
        "figure_replaced": float(bool(held) and any(f not in held for f in said)),
        "figure_neighbours": _figure_neighbours(claim, window),
    }


def _bare(figure: str) -> str:
    return figure.rstrip("%xkmb")


def _figure_neighbours(claim: Reading, window: Reading) -> float:
    """Least share of words near a number in the claim that are near it in the evidence; 1 without numbers."""
    least = 1.0
    for place, figure in claim.figures:
        near = {claim.stems[i] for i in claim.content if 0 < abs(i - place) <= 6 and not claim.stems[i].isdigit()}
        around = [
            {window.stems[i] for i in window.content if 0 < abs(i - other) <= 8}
            for other, same in window.figures
            if same == figure
        ]
        if near and around:
            least = min(least, max(len(near & words) / len(near) for words in around))
    return least


def _cues(claim: Reading, window: Reading) -> dict[str, float]:
    values = {}
    for name, said in claim.cues.items():
        held = window.cues[name]
        values[f"{name}_added"] = float(bool(said - held))
        values[f"{name}_dropped"] = float(bool(held) and not said)
    values["negated_otherwise"] = float(bool(claim.cues["negated"]) != bool(window.cues["negated"]))
    return values


def _opposites(claim: Reading, window: Reading) -> dict[str, float]:
    """Words of the claim whose opposite the evidence has, and it has not the word itself."""
    held, stems = set(window.words), set(window.stems)
    clashes = 0
    prefixed = 0
    for word, stem in {(w, s) for w, s in zip(claim.words, claim.stems, strict=True)}:
        if word in held or stem in stems:
            continue
        others = opposite(word)
        clashes += bool(others & held)
        prefixed += any(prefix_opposite(stem, other) for other in stems if other[-3:] == stem[-3:])
    negated = claim.cues["negated"] ^ window.cues["negated"]
    even = bool(claim.cues["negated"]) == bool(window.cues["negated"]) or not negated
    return {
        "opposites": float(clashes + prefixed),
        "opposite_unnegated": float(clashes + prefixed > 0 and even),
        "opposite_and_negation": float(clashes + prefixed > 0 and not even),
    }


def _names(claim: Reading, window: Reading, title: str) -> dict[str, float]:
    known = f"{title} {window.text}".lower().replace("-", "").replace(" ", "")
    unknown = [name for name in claim.names if name.lower().replace("-", "").rstrip("s") not in known]
    capital = sum(
        1
        for i in range(1, len(claim.words))
        if (w := claim.words[i]) not in known and _capitalised(claim, w) and i in claim.content
    )
    return {"names": float(len(claim.names)), "names_unknown": float(len(unknown)), "capitals_unknown": float(capital)}


def _capitalised(reading: Reading, word: str) -> bool:
    place = reading.text.lower().find(word)
    return place > 0 and reading.text[place].isupper()


def _alignment(claim: Reading, window: Reading, rarity: Rarity) -> dict[str, float]:
    assert claim.vectors is not None
    assert window.vectors is not None
    mine, theirs = list(claim.content), list(window.content)
    if not mine or not theirs:
        return dict.fromkeys(ALIGNED, 0.0)
    likeness = (claim.vectors[mine] @ window.vectors[theirs].T).astype(float)
    exact = np.array([[claim.stems[i] == window.stems[j] for j in theirs] for i in mine])
    weights = np.array([max(rarity.of(claim.stems[i]), 1.0) for i in mine])
    back = np.array([max(rarity.of(window.stems[j]), 1.0) for j in theirs])
    best = likeness.max(axis=1)
    found = np.where(exact.any(axis=1), np.maximum(best, 0.0), best)
    loose = ~exact.any(axis=1)
    ranked = np.sort(found)
    reverse = likeness.max(axis=0)
    places = np.argmax(np.where(exact, likeness + 0.3, likeness), axis=1)
    return {
        "aligned": float(np.average(found, weights=weights)),
        "aligned_least": float(ranked[0]),
        "aligned_second": float(ranked[min(1, len(ranked) - 1)]),
        "aligned_third": float(ranked[min(2, len(ranked) - 1)]),
        "loose": float(loose.mean()),
        "loose_mean": float(found[loose].mean()) if loose.any() else 1.0,
        "loose_least": float(found[loose].min()) if loose.any() else 1.0,
        "loose_weight": float(weights[loose & (found < NEAR)].sum() / weights.sum()),
        "lost_weight": float(weights[loose & (found < FAR)].sum() / weights.sum()),
        "exact_least": float(found[~loose].min()) if (~loose).any() else 1.0,
        "exact_mean": float(found[~loose].mean()) if (~loose).any() else 0.0,
        "window_aligned": float(np.average(reverse, weights=back)),
        "cosine": float(claim.pooled @ window.pooled)
        if claim.pooled is not None and window.pooled is not None
        else 0.0,
        "figure_context": _figure_context(claim, window),
        **_order(places.tolist(), found.tolist(), claim, mine),
        **_swaps(likeness, exact),
    }


def _figure_context(claim: Reading, window: Reading) -> float:
    """Least likeness of a number of the claim to the same number in the evidence, each in its context."""
    assert claim.vectors is not None
    assert window.vectors is not None
    least = 1.0
    for place, figure in claim.figures:
        same = [other for other, found in window.figures if found == figure]
        if same:
            least = min(least, float((window.vectors[same] @ claim.vectors[place]).max()))
    return least


def _order(places: Sequence[int], found: Sequence[float], claim: Reading, mine: Sequence[int]) -> dict[str, float]:
    """How far the aligned words stand in another order, and how far neighbours are torn apart."""
    kept = [place for place, value in zip(places, found, strict=True) if value >= NEAR]
    pairs = [(a, b) for i, a in enumerate(kept) for b in kept[i + 1 :] if a != b]
    near = [abs(a - b) for a, b in pairwise(kept)]
    return {
        "inverted": sum(a > b for a, b in pairs) / len(pairs) if pairs else 0.0,
        "torn": float(np.mean([min(gap, 8) for gap in near])) if near else 0.0,
        "torn_most": float(max(near, default=0)),
    }


def _swaps(likeness: Array, exact: NDArray[np.bool_]) -> dict[str, float]:
    """Best word for word minus best for each word on its own: high where two words compete for one."""
    rows = likeness.max(axis=1)
    taken = likeness * (likeness == likeness.max(axis=0, keepdims=True))
    return {"competing": float((rows - taken.max(axis=1)).mean())}


ALIGNED = (
    "aligned", "aligned_least", "aligned_second", "aligned_third", "loose", "loose_mean", "loose_least",
    "loose_weight", "lost_weight", "exact_least", "exact_mean", "window_aligned", "cosine", "figure_context",
    "inverted", "torn", "torn_most", "competing",
)  # fmt: skip
