"""Does a question ask for papers, and with which word? "Which papers since 2020" does, "trained on papers" does not."""

from __future__ import annotations

import re

_NOUN = re.compile(
    r"\b(?:papers?|works?|stud(?:y|ies)|articles?|publications?|preprints?|abstracts?|literature|research)\b(?!-)",
    re.IGNORECASE,
)
# What may stand before the word for papers where the question asks for papers.
_OPENING = frozenset(
    """which what are is there the a an any all some of list show give me us find name do does did you we have has how
    many tell about summarise summarize compare search for look please can could i want need to see in among new newer
    newest latest recent most older oldest earliest early first last top best other more relevant important main key
    published number count who wrote written say says according and every each both two three four five ten read
    discuss discusses been were was it from by these those your our this collection""".split()
)
# Articles that are data, not papers.
_NOT_PAPERS = frozenset(
    "news newspaper wikipedia press magazine blog exam test wire term case pilot cohort user ablation field user's"
    " legal web future prior previous related".split()
)
_QUESTION = frozenset("which what how do does did is are can could who".split())
_ASKED = re.compile(
    r"^\W*what(?:\s+(?:has|have|was|were|is|did)|['’]s)?\s+(?:been\s+|they\s+)?(?:published|written)\b", re.IGNORECASE
)


def asked_noun(text: str) -> re.Match[str] | None:
    """The word for papers that the question asks for: only words that open a question stand before it."""
    for match in _NOUN.finditer(text):
        before = text[: match.start()]
        # "Since 2024, which papers": what stands before a comma is another clause.
        clause = before.rpartition(",")[2]
        open_words = [word.strip("'’\"“”():.?!-").lower() for word in clause.split()]
        last = open_words[-1] if open_words else ""
        if last in _NOT_PAPERS:
            return None
        strange = [word for word in open_words if word and word not in _OPENING and not word[0].isdigit()]
        # "The corpus of papers", "a model of the literature": these ask for something else.
        if any(word in strange for word in open_words[: open_words.index("of")]) if "of" in open_words else False:
            return None
        possessive = last.endswith(("'s", "’s", "s'", "s’")) or "’s" in clause or "'s" in clause
        allowed = 3 if not open_words or open_words[0] not in _QUESTION else 1
        if len(strange) <= (5 if possessive else allowed):
            return match
        return None
    return None


def asks_what_was_published(text: str) -> re.Match[str] | None:
    """The opening of "What has been published on parsing"."""
    return _ASKED.match(text)
