"""Questions about the collection itself, told by their whole wording.

Every form must match from the first word to the last: "how many papers are there" counts records, "how many
papers did the authors review" is for the abstracts.
"""

# ruff: noqa: E501  # a form of question is read on one line
from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class About(StrEnum):
    """What is asked of the records."""

    COUNT = "count"
    NEWEST = "newest"
    OLDEST = "oldest"
    LIST = "list"
    AUTHORS = "authors"
    AUTHOR_COUNT = "author_count"
    DATE = "date"
    VENUE = "venue"
    YEARS = "years"
    PER_YEAR = "per_year"
    FREQUENT = "frequent"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about the collection.

    Attributes:
        about: What is asked.
        topic: Words that the papers must hold; empty: all papers.
        title: The paper that is asked about, in the words of the question.
        who: An author that the question names and no filter was read from.
        number: How many are wanted.
        facet: What is counted by frequency: author, venue or category.
    """

    about: About
    topic: str = ""
    title: str = ""
    who: str = ""
    number: int | None = None
    facet: str = ""


_PAPERS = r"(?:research |scientific )?(?:papers?|articles?|publications?|preprints?|abstracts?|studies|works)"
_OWN = r"(?:the|this|your|our) (?:collection|index|library|corpus of papers)"
_THERE = (
    rf"(?: (?:are|is) (?:there|(?:there )?in {_OWN}|included in {_OWN})(?: in {_OWN})?|(?: that| which)? (?:do )?(?:you|we) have"
    rf"(?: in {_OWN})?| (?:in|of) {_OWN}| in (?:here|total|all)| do(?:es)? {_OWN} (?:hold|have|contain|include|cover)"
    r"|(?: that)? (?:were|are|was|is|have been) (?:published|written|there)| published| exist| altogether)?"
)
_DEAL = (
    r"(?:on|about|concerning|regarding|(?:that |which )?(?:are |is )?(?:about|on|related to)|dealing with|with"
    r"|(?:that |which )?(?:deal|deals) with|(?:that |which )?(?:mention|mentioning|mentions|discuss|discussing|cover"
    r"|covering|address|addressing|use|using|hold|holding|contain|containing)(?: the (?:words?|terms?|phrase))?)"
)
_TOPIC = rf"(?: {_DEAL} (?P<topic>.+?))?"
_SHOW = r"(?:(?:please )?(?:list|show|give|find|name|display)(?: me| us)? )?"
_NUMBER = r"(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten)"
_OF_KIND = (
    r"(?P<facet>authors?|writers?|venues?|journals?|conferences?|categor(?:y|ies)|keywords?|organi[sz]ations?|topics)"
)
_TITLE = r"(?P<title>.+?)"

_FORMS: tuple[tuple[About, str], ...] = (
    (About.PER_YEAR, rf"{_SHOW}(?:how many |the number of |number of )?{_PAPERS}{_THERE} (?:per|each|by|every|in each|for each|a) year{_TOPIC}{_THERE}"),
    (About.PER_YEAR, rf"how many {_PAPERS}{_TOPIC}(?: (?:are there|were published|appeared))? (?:per|each|every|in each) year"),
    (About.COUNT, rf"(?:how many|what(?: is|'s) the number of|{_SHOW}(?:the )?number of|count(?: the| all| all the)?) {_PAPERS}(?: (?:written |authored )?by (?P<who>(?-i:[A-Z]).+?))?{_THERE}{_TOPIC}{_THERE}"),
    (About.COUNT, rf"how many {_PAPERS} (?:has|have|did) (?P<who>(?-i:[A-Z]).+?) (?:written|published|authored|co-authored|write|publish|author){_TOPIC}{_THERE}"),
    (About.COUNT, r"how (?:big|large) is (?:the|this|your) (?:collection|index|library)"),
    (About.NEWEST, rf"(?:(?:which|what) (?:are|is|were|was) |{_SHOW})(?:the )?(?:{_NUMBER} )?(?:newest|latest|most recent)(?: (?P<n2>\d{{1,3}}))? {_PAPERS}{_THERE}{_TOPIC}{_THERE}"),
    (About.NEWEST, rf"(?:which|what) {_PAPERS}{_TOPIC} (?:are|is) (?:the )?(?:newest|latest|most recent)(?: ones?)?{_THERE}"),
    (About.OLDEST, rf"(?:(?:which|what) (?:are|is|were|was) |{_SHOW})(?:the )?(?:{_NUMBER} )?(?:oldest|earliest)(?: (?P<n2>\d{{1,3}}))? {_PAPERS}{_THERE}{_TOPIC}{_THERE}"),
    (About.OLDEST, rf"(?:which|what) {_PAPERS}{_TOPIC} (?:are|is) (?:the )?(?:oldest|earliest)(?: ones?)?{_THERE}"),
    (About.AUTHOR_COUNT, rf"how many (?:co-?)?(?:authors|people|researchers) (?:wrote|co-?wrote|authored|signed|are (?:there )?(?:on|of|listed (?:on|for|in))) {_TITLE}"),
    (About.AUTHOR_COUNT, rf"how many (?:co-?)?authors (?:has|have) {_TITLE}(?: got)?"),
    (About.AUTHOR_COUNT, rf"how many (?:co-?)?authors do(?:es)? {_TITLE} have"),
    (About.AUTHOR_COUNT, rf"(?:what(?: is|'s) )?the number of (?:co-?)?authors (?:of|on) {_TITLE}"),
    (About.AUTHORS, rf"who (?:wrote|co-?wrote|authored|co-?authored|published|(?:are|were) the (?:co-?)?authors (?:of|on)|(?:is|was) the (?:first |last |senior |lead )?author of) {_TITLE}"),
    (About.AUTHORS, rf"(?:(?:what|which|who) (?:are|were) |{_SHOW})(?:the )?(?:names of the )?authors (?:of|on) {_TITLE}"),
    (About.AUTHORS, rf"who (?:are|were) {_TITLE}(?:['’]s?)? (?:co-?)?authors"),
    (About.AUTHORS, rf"(?:by whom|by who) (?:was|is) {_TITLE} (?:written|published|authored)"),
    (About.AUTHORS, rf"who (?:was|is) {_TITLE} (?:written|authored|published) by"),
    (About.DATE, rf"(?:when|in (?:which|what) year|(?:which|what) year) (?:was|is|were) {_TITLE} (?:first )?(?:published|written|submitted|posted)"),
    (About.DATE, rf"(?:what(?: is|'s) )?the (?:publication )?(?:date|year)(?: of publication)? of {_TITLE}"),
    (About.VENUE, rf"(?:where|(?:in |at )?(?:which|what) (?:journal|venue|conference)) (?:was|is|were) {_TITLE} (?:first )?(?:published|presented)(?: in| at)?"),
    (About.VENUE, rf"(?:in |at )?(?:which|what) (?:journal|venue|conference) did {_TITLE} appear(?: in| at)?"),
    (About.VENUE, rf"(?:what(?: is|'s) )?the (?:venue|journal) of {_TITLE}"),
    (About.YEARS, rf"(?:what|which) (?:years?|dates?|period|time ?span|time ?range|date range)(?: of time)? (?:do(?:es)?|is|are) (?:{_OWN}|{_OWN}'s papers|the papers|your papers)(?: in {_OWN})? (?:cover|span|covered(?: by)?|from|include)"),
    (About.YEARS, rf"(?:what|which) (?:years?|dates?|period|time ?span|time ?range) (?:is|are) covered(?: by {_OWN})?|from (?:what|which) years? are the papers(?: in {_OWN})?|how (?:old|recent|new) are the papers(?: in {_OWN})?|how (?:old|recent|up to date|current) is {_OWN}"),
    (About.FREQUENT, rf"(?:(?:who|which|what) (?:are|is) |{_SHOW})(?:the )?(?:top )?(?:{_NUMBER} )?most (?:frequent|common|prolific|productive|active|represented|published) {_OF_KIND}{_THERE}"),
    (About.FREQUENT, rf"(?:(?:who|which|what) are |{_SHOW})(?:the )?top (?:{_NUMBER} )?{_OF_KIND}{_THERE}"),
    (About.FREQUENT, rf"(?:which|what) {_OF_KIND} (?:has|have|wrote|published|appears?|occurs?) (?:written |published )?(?:the )?most(?: (?:papers|often|frequently|articles))?{_THERE}"),
    (About.FREQUENT, rf"who (?:has |have )?(?:written|published|wrote) (?:the )?most(?: (?:papers|articles|publications))?{_THERE}"),
    (About.FREQUENT, rf"(?:which|what) {_OF_KIND} (?:are (?:there|in {_OWN}|there in {_OWN})|do(?:es)? {_OWN} (?:cover|have|hold|include|contain)|do you have)"),
    (About.LIST, rf"(?:which|what) {_PAPERS} (?:did|has|have) (?P<who>(?-i:[A-Z]).+?) (?:write|written|publish|published){_TOPIC}"),
    (About.LIST, rf"(?:(?:which|what) |{_SHOW})(?:are )?(?:the |all |all the )?{_PAPERS} (?:written |authored )?by (?P<who>(?-i:[A-Z]).+?){_TOPIC}"),
    (About.LIST, rf"(?:which|what) {_PAPERS} (?:are (?:there|in {_OWN})|do you have)(?: in {_OWN})?|{_SHOW}all(?: the| your| of the)? {_PAPERS}(?: in {_OWN})?|(?:list|show)(?: me)? (?:the )?{_PAPERS}(?: in {_OWN})?"),
)  # fmt: skip


@cache
def _forms() -> tuple[tuple[About, re.Pattern[str]], ...]:
    return tuple((about, re.compile(form, re.IGNORECASE)) for about, form in _FORMS)


# What is left of "papers by Smith since 2020" when its filters are taken out.
_BARE = re.compile(
    rf"(?:(?:which|what) |(?:are there )?(?:any )?|{_SHOW})(?:are )?(?:the |all |all the |any )?{_PAPERS}{_THERE}"
    rf"(?: (?:are|is|come|were)(?: there)?)?|what (?:was|has been|were) (?:published|written){_THERE}",
    re.IGNORECASE,
)
# A topic that is a sentence of its own belongs to the abstracts.
_SENTENCE = re.compile(
    r"\b(?:were|was|did|does|do|is|are|had|been|reviewed|included|analy[sz]ed|surveyed|screened|selected|annotated"
    r"|in (?:the|their|this|that) (?:meta-analysis|review|study|survey|data ?set|corpus|benchmark|evaluation|paper|analysis))\b",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"^(?:about|on|in|an? (?:article|paper|study|book)|papers?|articles?|more|most|the most|anything|something|studies|works?|books?|publications)\b",
    re.I,
)
_WORDS = "one two three four five six seven eight nine ten".split()
_ABOUT = re.compile(r"^(.*?)\?? \(about (.*)\)$")
_POINTING = re.compile(
    r"^(?:its?|the|their|this|that|(?:this|that|the)(?: same)? (?:paper|article|study|work|one|abstract|preprint))$",
    re.IGNORECASE,
)


def read(text: str, *, filtered: bool = False) -> Asked | None:
    """What a question asks about the collection; `None` where it asks about what papers say.

    Args:
        text: The standalone question, without the words that became filters.
        filtered: Filters were read from it, so that "which papers" alone asks for a list.
    """
    text = " ".join(text.split())
    subject = ""
    if match := _ABOUT.match(text):  # a follow-up and what it is about
        text, subject = match[1], match[2]
    text = re.sub(r"^(?:and|so|but|ok(?:ay)?,?|hello,?|hi,?)\s+", "", text.strip(" ?.!"), flags=re.IGNORECASE)
    for about, form in _forms():
        if match := form.fullmatch(text):
            found = _asked(about, match, subject)
            if found is not None:
                return found
    return Asked(About.LIST) if filtered and _BARE.fullmatch(text) else None


def _asked(about: About, match: re.Match[str], subject: str) -> Asked | None:
    given = {name: (value or "").strip(" ,") for name, value in match.groupdict().items()}
    topic, title, who = (given.get(name, "") for name in ("topic", "title", "who"))
    if _POINTING.match(title):
        title = subject
    needs_title = about in (About.AUTHORS, About.AUTHOR_COUNT, About.DATE, About.VENUE)
    if (needs_title and not title) or _NO_TITLE.match(title):
        return None
    if any(_SENTENCE.search(part) or len(part.split()) > 10 for part in (topic, who)):
        return None
    number = given.get("n") or given.get("n2") or ""
    count = int(number) if number.isdigit() else _WORDS.index(number.lower()) + 1 if number else None
    return Asked(about, topic.strip("“”\"'"), title, who, count, _facet(given.get("facet", "")))


def _facet(word: str) -> str:
    if word[:4].lower() in ("venu", "jour", "conf"):
        return "venue"
    return "category" if word[:4].lower() in ("cate", "keyw", "topi") else "author"
