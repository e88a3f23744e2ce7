"""How a claim differs from its evidence, in words: pure comparison of two texts.

`contradiction` finds what makes a claim wrong, `looseness` what makes it more than a rewording. Both are
strict on purpose: embeddings hardly move when a number or a name is swapped, so words decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rag.text import STOPWORDS, names, numbers, searchable, stem, terms, words

_NEGATORS = frozenset("not no never without cannot neither nor fails fail failed hardly lack lacks none unable".split())
_HEDGES = frozenset("may might could possibly potentially suggests suggest likely appears seems perhaps".split())
_ORDINALS = frozenset("first second third fourth fifth last former latter".split())
_PRONOUNS = frozenset("it they this these those he she its their".split())
_OPPOSITES = (
    ("increase increases increased increasing rise rises grow grows higher more larger greater",
     "decrease decreases decreased decreasing reduce reduces reduced reducing reduction drop drops fall falls"
     " lower fewer less smaller decline declines"),
    ("improve improves improved improving improvement better best outperform outperforms outperformed superior"
     " exceeds surpass surpasses enhance enhances",
     "degrade degrades degraded worse worst underperform underperforms inferior harm harms hurt hurts worsen"),
    ("faster accelerate accelerates accelerated speeds", "slower slow slows slowed"),
    ("supports confirm confirms agree", "contradict contradicts refute refutes disagree"),
    ("benefit benefits helpful beneficial effective", "harmful detrimental ineffective useless"),
)  # fmt: skip
_SIDES = tuple((frozenset(a.split()), frozenset(b.split())) for a, b in _OPPOSITES)
_DIRECTIONS = frozenset(word for sides in _SIDES for side in sides for word in side)
_COMPARING = frozenset(
    "than outperform outperforms outperformed outperforming exceeds surpasses surpassed beats over versus".split()
)
_PASSIVE = re.compile(r"\b(outperformed|surpassed|exceeded|beaten|matched) by\b", re.IGNORECASE)
_BOUNDS = r"\b(up to|at most|at least|more than|less than|fewer than|over|under|nearly|almost)"
_BOUND = re.compile(_BOUNDS + r"\s+[$~]?(\d[\d.,]*)", re.IGNORECASE)
# Words that report rather than state: a rewording may bring its own.
_REPORTING = frozenset(
    stem(word)
    for word in """achieve approach call evaluate experiment introduce method model name observe obtain perform present
    propose provide reach report result state technique test yield according answer question dataset system
    based""".split()
)
NEIGHBOURS = 6
# Share of a claim's content words that must stand in the abstract's own order. The same words otherwise
# put together say something else ("AMFT is the controller" for "the core of AMFT is a controller ...").
IN_SEQUENCE = 0.75


def contradiction(claim: str, evidence: str, title: str = "") -> str | None:
    """What the claim says that the evidence does not have or says otherwise; `None` if nothing."""
    held = set(numbers(evidence)) | set(numbers(title))
    if missing := [n for n in numbers(claim) if n not in held]:
        return f"the abstract does not give the number {missing[0]}"
    if unattached := _misplaced_number(claim, evidence):
        return f"the abstract gives {unattached} for something else"
    known = folded(f"{title} {evidence}")
    if unknown := [name for name in names(claim) if folded(name) not in known]:
        return f"the abstract does not name {unknown[0]}"
    if _negated_otherwise(claim, evidence):
        return "one of the two is negated"
    if _ordinals(claim) - _ordinals(evidence):
        return "the abstract counts differently"
    if _opposed(claim, evidence):
        return "the abstract says the opposite direction"
    if _swapped(claim, evidence):
        return "the sides of the comparison are swapped"
    return None


def looseness(claim: str, evidence: str, title: str = "", *, words_alone: bool = True) -> str | None:
    """Why a claim that nothing contradicts still says more, or other, than the evidence; `None` if not.

    Args:
        claim: The sentence to be checked.
        evidence: The sentences that may carry it.
        title: Of their paper.
        words_alone: Without token vectors a new word is taken for a new thing, and another order for another
            statement; with them the trained model judges both.
    """
    first, other = (words(text)[0].lower() if words(text) else "" for text in (claim, evidence))
    if first in _PRONOUNS and first != other:
        return "it is unclear what the sentence is about"
    if _lower(evidence) & _HEDGES and not _lower(claim) & _HEDGES:
        return "the abstract is less certain"
    if set(_bounds(claim)) - set(_bounds(evidence)):
        return "the abstract bounds the number otherwise"
    if words_alone and (reason := _reworded(claim, evidence, title)):
        return reason
    for kind, found in (("numbers", numbers), ("names", _name_keys), ("directions", _directions)):
        if not _in_order(found(claim), found(evidence)):
            return f"its {kind} stand in another order than the abstract's"
    return None


def _reworded(claim: str, evidence: str, title: str) -> str | None:
    added = [term for term in terms(claim) if term not in {*terms(evidence), *terms(title), *_REPORTING}]
    # A number was looked at already, and may be written in another way.
    if added := [term for term in added if not term[0].isdigit() and not numbers(term)]:
        return f"the abstract does not say “{added[0]}”"
    said = [term for term in terms(claim) if term not in _REPORTING]
    if _common_sequence(said, [*terms(title), *terms(evidence)]) < IN_SEQUENCE * len(said):
        return "it puts the abstract's words together in another way"
    return None


def folded(text: str) -> str:
    """Lower case, LaTeX and punctuation resolved, words separated by single spaces."""
    return re.sub(r"[^a-z0-9%.]+", " ", searchable(text).lower()).strip()


def _misplaced_number(claim: str, evidence: str) -> str | None:
    """A number whose neighbours in the claim share nothing with its neighbours in the evidence."""
    around = _neighbours(evidence)
    for number, near in _neighbours(claim).items():
        if near and number in around and around[number] and not near & around[number]:
            return number
    return None


def _neighbours(text: str) -> dict[str, set[str]]:
    tokens = words(searchable(text))
    found: dict[str, set[str]] = {}
    for i, token in enumerate(tokens):
        for number in numbers(token) if token[0].isdigit() else []:
            near = " ".join(tokens[max(0, i - NEIGHBOURS) : i] + tokens[i + 1 : i + 1 + NEIGHBOURS])
            found.setdefault(number, set()).update(t for t in terms(near) if not t[0].isdigit())
    return found


def _negated_otherwise(claim: str, evidence: str) -> bool:
    """Is a word that both use negated in one of them only?"""
    mine, theirs = _negated(claim), _negated(evidence)
    shared = set(terms(claim)) & set(terms(evidence))
    return (mine & shared) != (theirs & shared)


def _negated(text: str) -> set[str]:
    """Content terms that stand right behind a negation."""
    tokens = words(searchable(text))
    found: set[str] = set()
    for i, token in enumerate(tokens):
        if token.lower() in _NEGATORS or token.lower().endswith(("n't", "n’t")):
            found.update(terms(" ".join(tokens[i + 1 : i + 4]))[:1])
    return found


def _ordinals(text: str) -> set[tuple[str, str]]:
    """Ordinals with the word they count: "the second demonstration"."""
    return {(a, stem(b)) for a, b in pairwise(w.lower() for w in words(text)) if a in _ORDINALS and b not in STOPWORDS}


def _opposed(claim: str, evidence: str) -> bool:
    said, held = _lower(claim), _lower(evidence)
    for plus, minus in _SIDES:
        for mine, theirs in ((plus, minus), (minus, plus)):
            if said & mine and not said & theirs and held & theirs and not held & mine:
                return True
    return False


def _swapped(claim: str, evidence: str) -> bool:
    """Two names compared one way in the claim and the other way in the evidence."""
    if not _COMPARING & _lower(claim):
        return False
    mine, theirs = _name_keys(claim), _name_keys(evidence)
    shared = [name for name in mine if name in theirs]
    if len(shared) < 2:
        return False
    turned = bool(_PASSIVE.search(claim)) != bool(_PASSIVE.search(evidence))
    return turned == (shared == [name for name in theirs if name in shared])


def _bounds(text: str) -> list[tuple[str, str]]:
    return [(match[1].lower(), match[2].rstrip(".,")) for match in _BOUND.finditer(text)]


def _name_keys(text: str) -> list[str]:
    return list(dict.fromkeys(folded(name) for name in names(text)))


def _directions(text: str) -> list[str]:
    return [stem(word) for word in words(text) if word.lower() in _DIRECTIONS]


def _in_order(claimed: Sequence[str], held: Iterable[str]) -> bool:
    """Do those of `claimed` that are held stand in the same order there?"""
    held = list(held)
    rest = iter(held)
    return all(item in rest for item in claimed if item in held)


def _common_sequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for a in first:
        previous = 0
        for i, b in enumerate(second, start=1):
            previous, row[i] = row[i], previous + 1 if a == b else max(row[i], row[i - 1])
    return row[-1]


def _lower(text: str) -> set[str]:
    return {word.lower() for word in words(text)}
