"""A follow-up and its history to a question that stands alone, without a language model.

"And how much faster is it?" after a question about MInference becomes "How much faster is
MInference?". The result is shown to the reader, so it has to read like a question and to claim
nothing that the conversation did not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.question import SMALL_TALK
from rag.text import STOPWORDS, names, terms, words
from rag.types import Turn

_LEAD = re.compile(
    r"^\W*(and|but|so|also|then|ok(ay)?|now|well|what about|how about|and what about|and how about)\b[\s,:]*",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b((?:the|this|that|these|those) (?:authors?|papers?|methods?|approach(?:es)?|models?|works?|study|techniques?"
    r"|system|framework|algorithm|benchmark|dataset|data set|one|ones|former|latter|same)"
    r"|it|its|they|them|their|theirs|these|those|he|she|his|her"
    # "Evidence that accuracy is kept" points to nothing.
    r"|(?:this|that)(?=\W*$|[,;:.?!]| (?:is|was|does|did|do|has|had|can|could|will|would|should|helps?|works?|means?"
    r"|compares?|affects?|holds?|in|on|for|with|and|or|than|too)\b))\b",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"it (possible|known|true|worth|better|best|necessary|enough|safe|easy|hard|easier|harder|useful|wise|feasible)\b",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset({"its", "their", "theirs", "his", "her"})
_ELLIPSIS = re.compile(
    r"^\W*(and|but|what about|how about|why( not)?\W*$|how so|on (which|what)|by how much|compared)\b",
    re.I,
)
# An acronym names a field more often than a method: "CNNs", "DRAM", "RGB-depth".
_GENERIC = re.compile(r"[A-Z]{2,}s?(?:-[a-z]+)?")
_HOW = re.compile(r"^\W*(and |but |so )?how \w+ ?(off|long)?\b", re.IGNORECASE)
_SELF_CONTAINED = re.compile(r"\b(papers?|works?|studies|articles|abstracts|collection)\b", re.IGNORECASE)
# Fewer content words than this and a question after another one is taken for its continuation.
SHORT = 2
# A pronoun in a question this long probably refers to something inside it.
LONG = 9
TOPIC_TERMS = 6


def needs_history(question: str) -> bool:
    """Does the question lean on what was said before?"""
    if SMALL_TALK.match(question):
        return False
    if _ELLIPSIS.match(question):
        return True
    content = terms(question)
    if match := _referring(question):
        before = _HOW.sub("", question[: match.start()])
        # "How does LoRA keep its accuracy?": what the pronoun means stands before it.
        inside = names(before) or (match[1].lower() in _POSSESSIVE and terms(before))
        return not inside and (not names(question) or len(content) < LONG)
    return len(content) <= SHORT and not names(question) and not _SELF_CONTAINED.search(question)


def needs_reference(question: str) -> bool:
    """Does a pronoun in it, or its beginning, point to something said before?"""
    return bool(_ELLIPSIS.match(question) or _referring(question))


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question with what it refers to spelled out, by its words alone; unchanged where it stands alone.

    Args:
        question: What the user typed.
        history: Earlier turns, oldest first; the last two are looked at.
    """
    question = " ".join(question.split())
    return spelled_out(question, history) if history and needs_history(question) else question


def spelled_out(question: str, history: Sequence[Turn]) -> str:
    """A question that goes on from the last turn, with that turn's subject and topic in it."""
    own, subject = _subject(history)
    topic = _topic(history, question)
    bare = without_lead(question)
    if len(subject) == 1 and not _GENERIC.fullmatch(subject[0]) and (match := _referring(bare)):
        name = subject[0] + ("'s" if match[1].lower() in _POSSESSIVE else "")
        bare = f"{bare[: match.start()]}{name}{bare[match.end() :]}"
        # A name the user typed says enough; one read out of an answer may be the wrong one.
        topic = [] if own else topic
    bare = bare[0].upper() + bare[1:]
    return about(bare, [*(s for s in subject if s.lower() not in bare.lower()), *topic])


def with_topic(question: str, history: Sequence[Turn]) -> str:
    """The question as typed, followed by the subject and the topic of the last turn."""
    _, subject = _subject(history)
    return about(without_lead(question), [*subject, *_topic(history, question)])


def about(question: str, words: Sequence[str]) -> str:
    """The question with what it is about behind it."""
    return f"{question.rstrip('?. ')}? (about {' '.join(dict.fromkeys(words))})" if words else question


def without_lead(question: str) -> str:
    """The question without "And", "But", "What about" in front."""
    bare = _LEAD.sub("", question) or question
    return bare[0].upper() + bare[1:]


def _referring(question: str) -> re.Match[str] | None:
    """The first pronoun that stands for something: "is it possible to" has none."""
    return next((m for m in _PRONOUN.finditer(question) if not _EXPLETIVE.match(question, m.start())), None)


def _subject(history: Sequence[Turn]) -> tuple[bool, list[str]]:
    """Names the last turns are about, and whether the user typed them or an answer opened with them."""
    for asked, answered in reversed(history[-2:]):
        if own := list(dict.fromkeys(names(asked))):
            return True, own[:3]
        opening = re.split(r"(?<=[.!?])\s", answered.strip(), maxsplit=1)[0]
        if found := list(dict.fromkeys(names(opening))):
            return False, found[:1]
    return False, []


def _topic(history: Sequence[Turn], question: str) -> list[str]:
    """Content words of the question before, as written, that the new one does not have."""
    asked = history[-1][0]
    if needs_history(asked) and len(history) > 1:
        asked = f"{history[-2][0]} {asked}"
    have = set(terms(question))
    found: list[str] = []
    for word in words(asked):
        if word.lower() in STOPWORDS or _PRONOUN.fullmatch(word):
            continue
        if not have.intersection(terms(word)):
            found.append(word)
    return list(dict.fromkeys(found))[:TOPIC_TERMS]
