"""Groups papers into topics and names each by the terms that set it apart. Numpy only, no chance in it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from rag.text import STOPWORDS, stem, words
from ui.atlas.layout import Places, Reals

MOST = 8
ROUNDS = 60
STARTS = 4
TERMS = 3
SEED = 7
# Every abstract has these; they name no topic.
_COMMON = STOPWORDS | frozenset(
    """approach approaches method methods model models problem problems result results propose proposed novel new
    present presented based existing different significantly state-of-the-art performance data set sets number
    large small high low first second one two three better best improve improved improves well show demonstrate
    achieve achieves including experiments experimental evaluation evaluate provide provides general case cases
    important recent task tasks system systems algorithm algorithms introduce framework technique techniques
    challenge challenges various respectively example given order consider considered simple applied application
    applications obtained known""".split()
)
# Of a topic's papers, those that must hold a term for it to name the topic.
FREQUENT = 0.03
# Two neighbouring words say more than one of them.
OF_TWO_WORDS = 1.6


def topics(reduced: Reals) -> Places:
    """The topic of each paper, 0 the largest: spherical k-means, the best of a few starts.

    Args:
        reduced: Shape (papers, components).

    Returns:
        Shape (papers,).
    """
    lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
    points = reduced / np.maximum(lengths, 1e-9)
    count = min(MOST, max(2, round((len(points) / 3) ** 0.5)))
    random = np.random.default_rng(SEED)
    found = [_clustered(points, _spread(points, count, random)) for _ in range(STARTS)]
    _, labels = max(found, key=lambda pair: pair[0])
    by_size = [topic for topic, _ in Counter(labels.tolist()).most_common()]
    return np.array([by_size.index(topic) for topic in labels.tolist()], np.int64)


def _spread(points: Reals, count: int, random: np.random.Generator) -> Reals:
    """First centres, far from each other (k-means++; Arthur and Vassilvitskii, 2007)."""
    chosen = [int(random.integers(len(points)))]
    for _ in range(count - 1):
        away = np.clip(1 - (points @ points[chosen].T).max(axis=1), 1e-9, None) ** 2
        chosen.append(int(random.choice(len(points), p=away / away.sum())))
    return points[chosen]


def _clustered(points: Reals, centres: Reals) -> tuple[float, Places]:
    labels = np.full(len(points), -1, np.int64)
    for _ in range(ROUNDS):
        near = points @ centres.T
        closest = near.argmax(axis=1)
        if (closest == labels).all():
            break
        labels = closest
        sums = np.stack([points[labels == topic].sum(axis=0) for topic in range(len(centres))])
        sizes = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(sizes > 0, sums / np.maximum(sizes, 1e-9), centres)
    return float((points @ centres.T).max(axis=1).sum()), labels


def names(texts: Sequence[str], labels: Places) -> list[tuple[str, ...]]:
    """The terms that set each topic apart, the most telling first.

    A term is a word or two neighbouring ones; it tells of a topic by p log(p / q), where p is the share of the
    topic's papers that hold it and q the share of all of them.

    Args:
        texts: Title and abstract of each paper.
        labels: Its topic.
    """
    held = [_terms(text) for text in texts]
    everywhere: Counter[str] = Counter(term for own in held for term in own)
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for own in held:
        for term, shown in own.items():
            written[term][shown] += 1
    found = []
    for topic in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == topic)
        here: Counter[str] = Counter(term for place in members for term in held[place])
        found.append(_telling(here, len(members), everywhere, len(texts), written))
    return found


def _telling(
    here: Counter[str], papers: int, everywhere: Counter[str], total: int, written: Mapping[str, Counter[str]]
) -> tuple[str, ...]:
    def weight(term: str) -> float:
        share, overall = here[term] / papers, everywhere[term] / total
        return float(share * np.log(share / overall)) * (OF_TWO_WORDS if " " in term else 1.0)

    frequent = [term for term, held in here.items() if held >= max(2, papers * FREQUENT)]
    chosen: list[str] = []
    for term in sorted(frequent, key=lambda term: (-weight(term), term)):
        parts = set(term.split())
        if weight(term) > 0 and not any(parts & set(other.split()) for other in chosen):
            chosen.append(term)
        if len(chosen) == TERMS:
            break
    return tuple(written[term].most_common(1)[0][0] for term in chosen)


def _terms(text: str) -> dict[str, str]:
    """Terms of a text, stemmed, with the words they stand for."""
    found: dict[str, str] = {}
    last = ""
    for word in [*words(text), ""]:
        shown = word if re.search(r"[A-Z].*[A-Z]|\d", word) else word.lower()
        if len(word) < 3 or word.lower() in _COMMON or not word[0].isalpha():
            last = ""
            continue
        found.setdefault(stem(word), shown)
        if last:
            found.setdefault(f"{stem(last)} {stem(word)}", f"{last} {shown}")
        last = shown
    return found
