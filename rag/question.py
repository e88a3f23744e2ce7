"""What kind of question it is: decides how much evidence is taken, from how many papers, and the reply's shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from rag import collection
from rag.text import terms, words


class Kind(StrEnum):
    """How a question wants to be answered."""

    SMALL_TALK = "small_talk"
    LISTING = "listing"
    COMPARISON = "comparison"
    NUMBER = "number"
    FACT = "fact"
    COLLECTION = "collection"


SMALL_TALK = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hallo|good (?:morning|day|evening)|thanks?(?: you)?(?: very much| a lot)?|bye|goodbye"
    r"|ok(?:ay)?|cool|great|nice|how are you(?: doing)?(?: today)?|who are you|what can you do|help(?: me)?"
    r"|there|paperchat|again)\W*)+$",
    re.IGNORECASE,
)
_LISTING = re.compile(
    r"^\W*(list|enumerate|give me (a list|all|some)|show me (all|some|the))\b"
    r"|\b(which|what) (\w+ ){0,3}(papers|works|studies|articles|surveys|abstracts)\b"
    # "Which methods prune attention" lists; "which models was it tested on" asks for a fact.
    r"|\b(which|what) (\w+ ){0,2}(methods|approaches|benchmarks|datasets|techniques|systems|frameworks|models)"
    r" (?!(did|does|do|was|were|is|are|has|had|have|can|could|should|would|of|in|on)\b)"
    r"|^\W*(any |all |the )?(papers?|works?|studies|articles|systems|methods) (on|about|that|which|for|built|using)\b"
    r"|\bgive me (the |all |any )?(\w+ )?(papers|works|studies)\b|\ball of them\b|^\W*anything (on|about|aimed|for)\b"
    r"|^\W*who (built|made|uses|used|tried|develops|developed|trained|trains|applies|applied|works)\b"
    r"|\bwhat('s| is| are)? there (on|about)\b|\bwho (has|have) (proposed|studied|worked|looked|searched|written)\b"
    r"|\b(any|all( of)? the|some) (papers|works|studies)\b|\bare there (any |several )?(papers|works|studies)\b",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"^\W*(compare|contrast)\b|\bhow (do|does|did|is|are)\b.*\b(compare|differ)\b"
    r"|\b(comparison|contrast) (of|between)\b"
    r"|\b(compared (to|with)|versus|vs\.?|differences?|different from|as opposed to|in common|rather than the)\b"
    r"|\bthe two\b|\bboth .+ and\b|\beach\b(?! other)|\bor the (one|other)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\bhow (many|much|large|big|long|fast|often|far|few|small|high|low|big)\b|\bby how\b|\bby what\b"
    r"|\b(what|which) (is the |was the |are the )?(\w+ ){0,2}(percentage|percent|share|number|factor|fraction"
    r"|proportion|size|accuracy|rate|score|scores|speed-?up|cost|gain|gains|margin|amount|count|reduction)\b",
    re.IGNORECASE,
)
# A question word further in than this does not open the question.
OPENING = 25
_PERCENT = re.compile(r"\b(percent|percentage|proportion|share|fraction|accuracy|rate)\b", re.IGNORECASE)
_COUNTED = re.compile(
    r"\bhow many ((?:[\w-]+ ){0,4}?[\w-]+)(?= (?:did|do|does|are|is|were|was|have|has|can|will|would"
    r"|of|in|on|for|from|to|per|get|got|make|made|go|went|used)\b|\W*$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A standalone question, read."""

    text: str
    kind: Kind

    @property
    def wants_number(self) -> bool:
        """Is the answer a number? "How many" deep inside a question asks for something else."""
        before = [self.text[: match.start()] for match in _NUMBER.finditer(self.text)]
        return any(len(b) < OPENING or b.rstrip().endswith((",", "and", ";")) for b in before)

    @property
    def wants_percentage(self) -> bool:
        """Is it a share or a rate?"""
        return bool(_PERCENT.search(self.text))

    @property
    def counted(self) -> frozenset[str]:
        """Stems of what "how many ..." counts; empty for other questions."""
        match = _COUNTED.search(self.text)
        return frozenset(terms(match[1])) if match else frozenset()


def read(text: str, *, filtered: bool = False) -> Question:
    """Tells the kind of a standalone question from its words.

    Args:
        text: Without the words that became filters.
        filtered: Some did.
    """
    return Question(text, _kind(text, filtered))


def of_abstracts(question: Question) -> Question:
    """The same question, asked of the abstracts where the records have no answer."""
    return Question(question.text, _kind_by_words(question.text))


def _kind(text: str, filtered: bool) -> Kind:
    if SMALL_TALK.match(text) or not words(text):
        return Kind.SMALL_TALK
    return Kind.COLLECTION if collection.read(text, filtered=filtered) else _kind_by_words(text)


def _kind_by_words(text: str) -> Kind:
    if _COMPARISON.search(text):
        return Kind.COMPARISON
    if _LISTING.search(text):
        return Kind.LISTING
    return Kind.NUMBER if _NUMBER.search(text) else Kind.FACT
