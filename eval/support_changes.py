"""Controlled changes of a sentence: what makes it false in one known way, and what leaves it true.

Each change is a function of a sentence and a random generator; it gives the changed sentence, or `None` where
the sentence has nothing to change. They work on words, not on meaning: what they make is for training, never
for testing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from rag.support_opposites import opposite
from rag.support_reading import HEDGES
from rag.text import names

Change = Callable[[str, random.Random], str | None]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w])")
_UNITS = {
    "seconds": "minutes", "minutes": "hours", "hours": "days", "days": "weeks", "weeks": "months", "months": "years",
    "years": "months", "ms": "s", "percent": "points", "million": "thousand", "thousand": "million",
    "billion": "million", "MB": "GB", "GB": "MB", "km": "m", "kg": "g", "Hz": "kHz", "times": "percent",
}  # fmt: skip
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|does|do|did|has been|have been|will|should)\b(?! not)")
_NOT = re.compile(r"\b(is|are|was|were|can|could|does|do|did|will|should) not\b|\bcannot\b")
_WIDER = {
    "some": "all", "many": "all", "most": "all", "several": "all", "often": "always", "usually": "always",
    "all": "some", "both": "neither of the", "partly": "entirely", "almost": "exactly", "up to": "at least",
    "at least": "at most", "more than": "less than", "significantly": "slightly", "sometimes": "always",
}  # fmt: skip
_FIRM = {
    "may": "will", "might": "will", "could": "will", "can": "always", "suggest that": "prove that",
    "suggests that": "proves that", "indicate that": "prove that", "likely": "certainly", "potentially": "definitely",
    "seems to": "is known to", "appears to": "is known to", "improves": "might improve", "reduces": "might reduce",
    "increases": "may increase", "shows that": "suggests that", "is": "might be", "significantly": "possibly",
}  # fmt: skip
_ORDER = {
    "before": "after", "after": "before", "first": "last", "then": "before that", "initial": "final",
    "previously": "later", "finally": "at first", "early": "late", "second": "first", "prior to": "following",
}  # fmt: skip
_SIDES = re.compile(r"^(.*?)\b(outperforms?|outperformed|exceeds?|surpass(?:es)?|beats?)\b(.*)$")
_THAN = re.compile(r"^(.{10,}?)\b(is|are|was|were|has|have|had)\b(.*?)\bthan\b(.{4,})$")
_SYNONYMS = {
    "show": "demonstrate", "demonstrate": "show", "shows": "demonstrates", "propose": "put forward",
    "proposed": "suggested", "present": "describe", "introduce": "present", "approach": "method",
    "method": "technique", "technique": "method", "results": "findings", "significantly": "considerably",
    "significant": "considerable", "large": "big", "use": "employ", "used": "employed", "using": "with the help of",
    "utilize": "use", "utilizes": "uses", "achieve": "reach", "achieves": "reaches", "obtain": "get",
    "improve": "enhance", "improves": "enhances", "reduce": "lower", "reduces": "lowers", "increase": "rise",
    "however": "but", "various": "different", "several": "a number of", "important": "essential",
    "novel": "new", "new": "novel", "problem": "task", "investigate": "study", "examine": "look into",
    "analyze": "examine", "participants": "subjects", "performance": "quality", "require": "need",
    "requires": "needs", "enables": "makes possible", "in order to": "to", "due to": "because of",
    "evaluate": "assess", "efficient": "fast", "accurate": "precise", "widely": "commonly", "based on": "built on",
    "compared to": "in comparison with", "a variety of": "many", "such as": "like", "demonstrated": "shown",
    "difficult": "hard", "consists of": "is made up of", "provides": "offers", "provide": "offer", "allow": "let",
    "additionally": "also", "furthermore": "also", "approximately": "about", "children": "kids", "patients with":
    "people with", "determine": "find out", "associated with": "linked to", "conducted": "carried out",
}  # fmt: skip
_LEADS = re.compile(
    r"^(?:In this (?:paper|work|article|study|report|letter),? (?:we )?|(?:In addition|Moreover|Furthermore|However"
    r"|Additionally|Finally|Therefore|Here|More specifically|Specifically|In particular|Also),? )"
)


def number(text: str, rng: random.Random) -> str | None:
    """Another number in the place of one."""
    return _replace_one(_NUMBER, text, rng, lambda found: _other_number(found, rng))


def unit(text: str, rng: random.Random) -> str | None:
    """Another unit behind a number."""
    if "%" in text and rng.random() < 0.5:
        return text.replace("%", rng.choice((" points", "x", " times")), 1)
    pattern = re.compile(r"(?<=\d )(" + "|".join(_UNITS) + r")\b")
    return _replace_one(pattern, text, rng, lambda found: _UNITS[found])


def counted(text: str, rng: random.Random) -> str | None:
    """Two numbers of one sentence exchanged."""
    found = list(_NUMBER.finditer(text))
    if len({match[0] for match in found}) < 2:
        return None
    first, second = sorted(rng.sample(found, 2), key=lambda match: match.start())
    if first[0] == second[0]:
        return None
    return text[: first.start()] + second[0] + text[first.end() : second.start()] + first[0] + text[second.end() :]


def direction(text: str, rng: random.Random) -> str | None:
    """A word replaced by its opposite."""
    return _replace_one(
        re.compile(r"[A-Za-z]{3,}"),
        text,
        rng,
        lambda found: _like(found, sorted(opposite(found.lower()))) if opposite(found.lower()) else None,
    )


def negation(text: str, rng: random.Random) -> str | None:
    """A negation taken out, or put behind an auxiliary."""
    if _NOT.search(text):
        return _NOT.sub(lambda match: match[1] or "can", text, count=1)
    return _replace_one(
        _AUXILIARY, text, rng, lambda found: f"{found} not" if " " not in found else found.replace(" ", " not ", 1)
    )


def strength(text: str, rng: random.Random) -> str | None:
    """A hedge dropped, or a plain statement hedged."""
    hedged = {word: firm for word, firm in _FIRM.items() if word.split()[0] in HEDGES}
    return _mapped(text, rng, hedged) or _mapped(text, rng, _FIRM)


def scope(text: str, rng: random.Random) -> str | None:
    """Some made all, all made some, or "only" put in front of what is named."""
    if changed := _mapped(text, rng, _WIDER):
        return changed
    match = re.search(r"\b(for|in|on|by|with|to)\b (?=[a-z]{4})", text)
    return f"{text[: match.start()]}only {text[match.start() :]}" if match else None


def time(text: str, rng: random.Random) -> str | None:
    """Another year, or the order of events turned."""
    years = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
    shift = rng.choice((-10, -7, -4, -2, 2, 3, 5, 8))
    return _replace_one(years, text, rng, lambda found: str(int(found) + shift)) or _mapped(text, rng, _ORDER)


def comparison(text: str, rng: random.Random) -> str | None:
    """The two sides of a comparison exchanged."""
    if match := _SIDES.match(text):
        left, right = match[1].strip(), match[3].strip().rstrip(".")
        if 1 <= len(left.split()) <= 12 and 1 <= len(right.split()) <= 14:
            return f"{_upper(right)} {match[2]} {_lower(left)}."
    if match := _THAN.match(text):
        left, right = match[1].strip(), match[4].strip().rstrip(".")
        if len(left.split()) <= 12 and len(right.split()) <= 10:
            return f"{_upper(right)} {match[2]}{match[3]}than {_lower(left)}."
    return None


def roles(text: str, rng: random.Random) -> str | None:
    """Two names, or the nouns around "of", "by", "to" or "with", exchanged."""
    found = list(dict.fromkeys(names(text)))
    if len(found) >= 2:
        first, second = rng.sample(found, 2)
        if first not in second and second not in first:
            return text.replace(first, "\0").replace(second, first).replace("\0", second)
    pairs = list(re.finditer(r"\b([a-z]{4,}) (of|by|for|from|to|than|with|into) (?:the |a |an )?([a-z]{4,})\b", text))
    if not pairs:
        return None
    match = rng.choice(pairs)
    return text[: match.start(1)] + match[3] + text[match.end(1) : match.start(3)] + match[1] + text[match.end(3) :]


def entity(other: Sequence[str]) -> Change:
    """A name or noun replaced by one from `other` sentences on the same topic."""

    def change(text: str, rng: random.Random) -> str | None:
        pool = " ".join(other)
        mine, theirs = names(text), [name for name in names(pool) if name.lower() not in text.lower()]
        if mine and theirs and rng.random() < 0.6:
            return text.replace(rng.choice(mine), rng.choice(theirs))
        nouns = re.compile(
            r"\b(?:[a-z]{5,}(?:tion|ment|ity|ing|sis|ics|ance|ence|ism)|[a-z]{4,}(?:ers|ors|ies|els|ets|ks|rs))\b"
        )
        own, pooled = nouns.findall(text), [word for word in nouns.findall(pool) if word not in text]
        return text.replace(rng.choice(own), rng.choice(pooled), 1) if own and pooled else None

    return change


FALSE: dict[str, Change] = {
    "number": number, "unit": unit, "counted": counted, "direction": direction, "negation": negation,
    "strength": strength, "scope": scope, "time": time, "comparison": comparison, "roles": roles,
}  # fmt: skip


# --- what leaves it true ------------------------------------------------------------------------


def reword(text: str, rng: random.Random) -> str:
    """Synonyms in the place of up to four words."""
    for _ in range(rng.randint(1, 4)):
        text = _mapped(text, rng, _SYNONYMS) or text
    return text


def compress(text: str, rng: random.Random) -> str:
    """Openings, brackets and subordinate ends left out."""
    text = _upper(_LEADS.sub("", text))
    text = re.sub(r"\s?\([^()]{1,60}\)", "", text)
    if rng.random() < 0.5:
        text = re.sub(r",? (?:which|where|while|thus|thereby|including|such as)\b[^,.]{10,}\.$", ".", text)
    return text


def turn(text: str, rng: random.Random) -> str:
    """An opening phrase moved to the end, or a closing one to the front."""
    if match := re.match(
        r"^((?:On|In|For|With|By|Using|Unlike|When|Under|To|From|During|After|Based)\b[^,]{5,60}), (.{25,})\.$", text
    ):
        return f"{_upper(match[2])} {_lower(match[1])}."
    if match := re.match(
        r"^(.{25,}?) ((?:on|for|during|under|when|by using|compared (?:to|with)) [^,.]{8,50})\.$", text
    ):
        return f"{_upper(match[2])}, {_lower(match[1])}."
    return text


def third_person(text: str, rng: random.Random) -> str:
    """Authors instead of "we", at times in the passive."""
    verbs = "propose|present|introduce|describe|develop|investigate|analyze|evaluate"
    match = re.match(rf"^We ({verbs}) (.{{10,80}}?)\.$", text)
    if match and rng.random() < 0.5:
        return f"{_upper(match[2])} is {match[1] + ('d' if match[1].endswith('e') else 'ed')}."
    text = re.sub(r"\bWe\b", "The authors", text)
    text = re.sub(r"\bwe\b", "they", text)
    return re.sub(r"\bOur\b", "Their", re.sub(r"\bour\b", "the", text))


TRUE: tuple[Callable[[str, random.Random], str], ...] = (compress, third_person, turn, reword)


def _replace_one(
    pattern: re.Pattern[str], text: str, rng: random.Random, make: Callable[[str], str | None]
) -> str | None:
    found = list(pattern.finditer(text))
    rng.shuffle(found)
    for match in found:
        other = make(match[0])
        if other and other != match[0]:
            return text[: match.start()] + other + text[match.end() :]
    return None


def _mapped(text: str, rng: random.Random, table: dict[str, str]) -> str | None:
    found = [word for word in table if re.search(rf"\b{re.escape(word)}\b", text)]
    if not found:
        return None
    word = rng.choice(found)
    return re.sub(rf"\b{re.escape(word)}\b", table[word], text, count=1)


def _other_number(found: str, rng: random.Random) -> str | None:
    digits = [i for i, char in enumerate(found) if char.isdigit()]
    if len(digits) > 1 and rng.random() < 0.4 and len({found[i] for i in digits}) > 1:
        a, b = rng.sample(digits, 2)
        changed = list(found)
        changed[a], changed[b] = changed[b], changed[a]
        return "".join(changed)
    place = rng.choice(digits)
    other = rng.choice([d for d in "123456789" if d != found[place]])
    return found[:place] + other + found[place + 1 :]


def _like(word: str, others: Sequence[str]) -> str:
    """The one of `others` that ends most like `word`."""

    def shared(other: str) -> int:
        count = 0
        while count < min(len(other), len(word)) and other[-1 - count] == word[-1 - count]:
            count += 1
        return count

    best = max(others, key=shared)
    return best.capitalize() if word[0].isupper() else best


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text if text[1:2].isupper() or names(text.split(" ", 1)[0]) else text[:1].lower() + text[1:]
