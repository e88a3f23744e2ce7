"""Refusal, decided before anything is written, in the words a librarian would use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rag.evidence import PaperEvidence
from rag.protocols import TermIndex
from rag.question import Kind, Question
from rag.text import names, numbers, searchable, stem, terms, words
from rag.types import IndexIdentity, Paper, Refusal, ScoredPassage

PROBABILITY_WEIGHT = 0.4
# Far below: the question is not about the collection's field at all.
OFF_TOPIC_BELOW = 0.27
NEAREST = 3
# Other words that a question about a name may have.
BESIDE_A_NAME = 2
# Words with which a paper is asked what it is about.
_ASKING = frozenset(
    map(
        stem,
        "propose introduce present describe paper method approach work idea contribution main summary overview".split(),
    )
)
_SHARE = re.compile(
    r"0?\.\d+|\b(?:half|quarters?|thirds?|fifths?|tenths?)\b"
    r"|\b(?:\d+|one|two|three|four|five|six|seven|eight|nine) (?:out of|in|of) (?:\d+|two|three|four|five|six|ten)\b",
    re.IGNORECASE,
)
# "Patients (n = 124)", "the number of patients was 124": what is counted stands before the number.
_EQUALS = frozenset("n was were is are equals totalled totaled".split())
BACK = 4
# Those who take part in a study are called by any of these.
_PEOPLE = frozenset(
    map(stem, "patients participants people persons users subjects adults respondents individuals".split())
)
# Sentences looked at for the number a question asks for.
LOOK_FOR_NUMBER_IN = 12
# A question of so few terms says nothing that it does not mean. Where none of the first papers has this share of them,
# by rarity, likeness is believed less (docs/decisions/0018).
SHORT = 7
MET = 0.6
MET_IN = 3
UNMET_COSTS = 0.1
# So is likeness where the question names somebody or something that no paper of the collection names.
UNKNOWN_COSTS = 0.15
# A capital within a sentence, of a word of three letters or more.
_NAMED = re.compile(r"(?<=[a-z,] )[A-Z][\w-]{2,}")
# One paper need not have all that these ask for.
SEVERAL = frozenset({Kind.LISTING, Kind.COMPARISON})


def decide(
    question: Question,
    ranked: Sequence[ScoredPassage],
    evidence: Mapping[str, PaperEvidence],
    covered: float,
    index: IndexIdentity,
    below: float,
    unknown: Sequence[str] = (),
) -> Refusal | None:
    """The reason not to answer, or `None`.

    Args:
        question: The standalone question.
        ranked: Passages, best first.
        evidence: Scored sentences by paper id.
        covered: See `coverage`.
        index: Named in the refusal, so that the reader knows what was searched.
        below: Coverage under this refuses.
        unknown: What it names and no paper has.
    """
    if question.kind is Kind.SMALL_TALK:
        return Refusal("small_talk", _small_talk(index))
    if index.papers == 0:
        return Refusal(
            "empty_index", "The index holds no papers yet. Add some on the page, or with 'paperchat ingest'."
        )
    nearest = tuple(passage.paper for passage in ranked[:NEAREST])
    if not nearest or (covered < below and not _is_named(question.text, nearest)):
        far = covered < OFF_TOPIC_BELOW
        return Refusal("off_topic" if far else "not_covered", _not_covered(index, far, unknown), nearest)
    if question.wants_number and not _states_number(question, ranked, evidence):
        return Refusal("not_stated", _not_stated(question, nearest[0].title), nearest)
    return None


def _is_named(text: str, nearest: Sequence[Paper]) -> bool:
    return _names_a_paper(text, nearest) or _asks_about_a_name(text, nearest)


def _names_a_paper(text: str, nearest: Sequence[Paper]) -> bool:
    """Does a question say nothing but what a title says? "What is Okapi?" is too short to be near anything."""
    said = set(terms(text)) - _ASKING
    return bool(said) and any(said <= set(terms(paper.title)) for paper in nearest)


def _asks_about_a_name(text: str, nearest: Sequence[Paper]) -> bool:
    """Does it ask about a method or data set that a near paper names, and of little else?

    "What is LoRA good for?": an embedding of a short question knows next to nothing of a name.
    """
    named = {term for name in names(text) for term in terms(name)}
    rest = set(terms(text)) - named - _ASKING
    held = (set(terms(f"{paper.title} {paper.abstract}")) for paper in nearest)
    return bool(named) and len(rest) <= BESIDE_A_NAME and any(named <= found for found in held)


def coverage(
    question: Question,
    nearest: float,
    evidence: Mapping[str, PaperEvidence],
    met: float,
    *,
    unknown: bool = False,
) -> float:
    """How well the collection covers the question: the nearest abstract, and how likely a sentence answers.

    Args:
        question: The standalone question.
        nearest: Cosine of the nearest abstract.
        evidence: Scored sentences by paper id.
        met: The most of the question's terms, weighed by rarity, that one of the first `MET_IN` papers has.
        unknown: It names what no paper has (`unknown_names`).

    Returns:
        Mostly between 0 and 1; comparable between questions, not between embedding models.
    """
    likely = max((found.best.score for found in evidence.values()), default=0.0)
    costs = UNMET_COSTS * _is_unmet(question, met) + UNKNOWN_COSTS * unknown
    return nearest + PROBABILITY_WEIGHT * likely - costs


def unknown_names(text: str, known: TermIndex, near: Sequence[Paper]) -> tuple[str, ...]:
    """What the question writes with a capital within a sentence, and no paper has in any part: "Swahili", "DDR4".

    Args:
        text: The standalone question.
        known: Of the collection.
        near: Papers that were found for it; who wrote them is not unknown.
    """
    authors = {word for paper in near for author in paper.authors for word in words(author)}
    found = []
    for name in dict.fromkeys(_NAMED.findall(text)):
        held = [max((count for _, count in known.document_frequency(word)), default=0) for word in words(name)]
        if held and not any(held) and not authors & set(words(name)):
            found.append(name)
    return tuple(found)


def _is_unmet(question: Question, met: float) -> bool:
    """Is it a short question of which every one of the first papers lacks much?"""
    return met < MET and len(set(terms(question.text))) <= SHORT and question.kind not in SEVERAL


def _states_number(question: Question, ranked: Sequence[ScoredPassage], evidence: Mapping[str, PaperEvidence]) -> bool:
    """Does the evidence hold a number of the kind that is asked for?"""
    sentences = sorted(
        (e for p in ranked if p.paper.id in evidence for e in evidence[p.paper.id].sentences),
        key=lambda e: -e.score,
    )[:LOOK_FOR_NUMBER_IN]
    return any(_holds_number(question, sentence.text) for sentence in sentences)


def _holds_number(question: Question, sentence: str) -> bool:
    found = numbers(sentence)
    if question.counted:
        # "How many tweets": a number stands within a few words before the thing it counts.
        return any(_counts(sentence, thing) for thing in question.counted)
    if question.wants_percentage:
        return any(n.endswith("%") for n in found) or bool(_SHARE.search(sentence))
    return bool(found)


def _counts(sentence: str, thing: str, reach: int = 5) -> bool:
    """Does a number stand near what it may count: "7B parameters", "a 7B-parameter model", "patients (n = 124)"?"""
    tokens = words(searchable(sentence))
    wanted = _PEOPLE if thing in _PEOPLE else {thing}
    for i, token in enumerate(tokens):
        if numbers(token.split("-")[0]):
            back = BACK if i and tokens[i - 1].lower() in _EQUALS else 0
            near = " ".join(tokens[max(0, i - back) : i + 1 + reach]).replace("-", " ")
            if wanted & {stem(t) for t in terms(near)}:
                return True
    return False


def _small_talk(index: IndexIdentity) -> str:
    return (
        f"Hello. I answer questions from the {index.papers} papers in this collection and cite the abstract "
        "behind every sentence. Ask about a method, a result, or which papers deal with a topic."
    )


def _not_covered(index: IndexIdentity, far: bool, unknown: Sequence[str]) -> str:
    searched = f"I searched {index.papers} abstracts by meaning and by words"
    if unknown:
        named = " or ".join(f"“{name}”" for name in unknown)
        return f"{searched}, and none names {named}. Nearest are the papers below; a question about one may help."
    if far:
        return f"{searched}, and none is about this. I can only answer from the papers in this collection."
    return f"{searched}, and none answers this. Nearest are the papers below; a question about one of them may help."


def _not_stated(question: Question, title: str) -> str:
    what = "percentage" if question.wants_percentage else "number"
    return (
        f"The abstracts do not state the {what} you ask for. Nearest is “{title}”; "
        "the full paper may have it, this collection only has abstracts."
    )
