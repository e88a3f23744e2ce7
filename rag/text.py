"""Text for people and for machines: LaTeX debris, sentences, terms, names and numbers.

Standard library only, no state; everything here is a pure function.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SUPERSCRIPTS = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
SUBSCRIPTS = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")

_ESCAPED = re.compile(r"\\([%$&#_{}])")
_BRACED_SCRIPT = re.compile(r"([\^_])\{([^{}]{1,12})\}")
_TIMES = re.compile(r"(?<=\d)\s?\\?times\b\s?(?=\d)|(?<=\d)\s?\\?times\b(?!-)")
_COMMANDS = {
    "times": "×", "sim": "~", "approx": "≈", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "pm": "±", "to": "→",
    "rightarrow": "→", "infty": "∞", "cdot": "·", "ldots": "…", "dots": "…", "percent": "%", "alpha": "α",
    "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "theta": "θ", "lambda": "λ",
    "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω", "kappa": "κ",
    "eta": "η", "chi": "χ", "nu": "ν", "zeta": "ζ", "iota": "ι", "xi": "ξ", "upsilon": "υ", "Gamma": "Γ",
    "Lambda": "Λ", "Theta": "Θ", "Phi": "Φ", "Psi": "Ψ", "Pi": "Π", "Xi": "Ξ", "Delta": "Δ", "Sigma": "Σ",
    "Omega": "Ω", "ell": "ℓ",
}  # fmt: skip
_COMMAND = re.compile(r"\\(" + "|".join(sorted(_COMMANDS, key=len, reverse=True)) + r")(?![A-Za-z])")
_STYLE = re.compile(
    r"\\(?:text(?:bf|it|tt|rm|sc|sf)?|emph|math(?:bf|cal|rm|bb|it|sf)|mbox|operatorname)\s*\{([^{}]*)\}"
)
_DOLLARS = re.compile(r"\$([^$\n]{1,200})\$")
# Tags and variation selectors too: with them an abstract can say what no reader sees.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"})


def readable(text: str) -> str:
    r"""Resolves the LaTeX debris of scraped abstracts for a human reader.

    `25\%` becomes `25%`, `S^{2}FT` becomes `S²FT`, `3times` becomes `3×`. What is not understood
    stays as it was; real formulas keep their structure.
    """
    # Each step is asked for by a character that few abstracts hold: ingest reads thousands a second.
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_LIGATURES)
        text = _INVISIBLE.sub("", text)
    if "\\" in text:
        text = _STYLE.sub(r"\1", text)
        text = _ESCAPED.sub(r"\1", text)
    if "{" in text:
        text = _BRACED_SCRIPT.sub(_script, text)
    if "\\" in text:
        text = _COMMAND.sub(lambda match: _COMMANDS[match[1]], text)
    if "times" in text:
        text = _TIMES.sub("×", text)
    if "$" in text:
        text = _DOLLARS.sub(_inline_math, text)
    return " ".join(text.split())


def _script(match: re.Match[str]) -> str:
    table = SUPERSCRIPTS if match[1] == "^" else SUBSCRIPTS
    moved = match[2].translate(table)
    return moved if all(ord(char) in table.values() for char in moved) else match[0]


def _inline_math(match: re.Match[str]) -> str:
    # "$5" and "$10" in one sentence are prices, not a formula between two dollars.
    inner = match[1]
    return match[0] if re.match(r"\d[\d.,]*\s+[A-Za-z]", inner) or inner != inner.strip() else inner


def searchable(text: str) -> str:
    """The same text as an index sees it: compatibility forms folded, `S²FT` as `S2FT`, `3×` as `3x`."""
    text = readable(text).replace("×", "x")
    text = re.sub(r"[\^_]\{?(\w+)\}?", r"\1", text)
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return "".join(char for char in folded if not unicodedata.combining(char))


# Letters that Unicode does not take apart into a plain one and an accent.
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
     "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ı": "i", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T"}
)  # fmt: skip


# --- sentences ---------------------------------------------------------------------------------

_ABBREVIATIONS = frozenset(
    """e.g i.e etc vs cf fig figs eq eqs ref refs sec al et resp approx no dr prof st inc ca viz
    wrt w.r.t i.i.d ph.d mr mrs jr sr tab thm prop lem def sect chap vol nos pp jan feb mar apr jun jul
    aug sep sept oct nov dec univ corp ltd""".split()
)
_BOUNDARY = re.compile(r"[.!?](?:\[\d[\d,; ]*\])*[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-Z0-9Α-Ω]|\s*$)|[.!?](?=[A-Z][a-z]+\s)")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, in characters, without surrounding white space.

    Abbreviations, initials and decimal points do not end a sentence; a full stop that a scraper
    glued to the next word ("alignment.Our") does.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        if text[match.start()] == "." and _is_abbreviation(text[start : match.start()]):
            continue
        spans.append((start, match.end()))
        start = match.end()
    if text[start:].strip():
        spans.append((start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, *span))]


def sentences(text: str) -> list[str]:
    """The sentences of `text`."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _is_abbreviation(before: str) -> bool:
    words = before.split()
    if not words:
        return True
    last = words[-1].lstrip("([\"'“").lower()
    if len(words) == 1 and last.isdigit() and len(last) <= 2:  # "1. First item"
        return True
    # "U.K.", "D.C.", "a.k.a."
    if last in _ABBREVIATIONS or re.fullmatch(r"[a-z](?:\.[a-z])+", last):
        return True
    return len(last) == 1 and last.isalpha() and last not in "ai"


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


# --- terms -------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*", re.UNICODE)

STOPWORDS = frozenset(
    """a about above across after again against all almost also although always am among an and any are as at be
    because been before being below between both but by can cannot could did do does doing done down during each
    either else ever every few for from further get gets give given gives had has have having he hence her here hers
    him his how however i if in indeed instead into is it its itself just kind let like made make makes many may me
    might mine more most much must my near neither no nor not now of off often on once one only onto or other others
    our ours out over own per perhaps please quite rather really same say says see several shall she should show
    shows since so some such tell than that the their theirs them then there these they thing things this those
    though through thus to together too toward towards under until up upon us use used uses using very via was way
    ways we well were what when where whereas whether which while who whom whose why will with within without would
    yet you your yours paper papers study studies work works research abstract authors author find found explain
    describe collection article articles""".split()
)


def words(text: str) -> list[str]:
    """Words of `text` in order, as written; inner hyphens and points kept."""
    return _WORD.findall(text)


def words_at(text: str) -> list[tuple[int, int]]:
    """Where each word of `text` begins and ends, in characters."""
    return [match.span() for match in _WORD.finditer(text)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A light English stemmer: enough to match inflections, too shy to join different words."""
    word = word.lower()
    if len(word) <= 3 or any(char.isdigit() for char in word):
        return word
    for suffix, replacement in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: len(word) - len(suffix)] + replacement
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


_SUFFIXES = (
    ("ations", "at"), ("ation", "at"), ("izing", "iz"), ("ising", "iz"), ("ized", "iz"), ("ised", "iz"),
    ("izes", "iz"), ("ises", "iz"), ("ize", "iz"), ("ise", "iz"), ("ities", "ity"), ("ies", "y"), ("ied", "y"),
    ("ements", "e"), ("ement", "e"), ("ments", ""), ("ment", ""), ("ingly", ""), ("edly", ""), ("ings", ""),
    ("ing", ""), ("ers", ""), ("er", ""), ("ors", "or"), ("ed", ""), ("sses", "ss"), ("xes", "x"), ("ches", "ch"),
    ("shes", "sh"), ("es", "e"), ("ly", ""), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""),
)  # fmt: skip


def terms(text: str) -> list[str]:
    """Content terms of `text` for matching: folded, hyphens split, stop words out, stemmed."""
    return [
        stem(part)
        for word in words(searchable(text))
        for part in re.split(r"[-'’.](?!\d)", word)
        if part and part.lower() not in STOPWORDS and (len(part) > 1 or part.isdigit())
    ]


_NAME = re.compile(
    r"(?<![\w])(?=[\w^{}+\-./²³]*[A-Z])(?:[A-Za-z]*[a-z0-9²³^{}+\-][A-Z][\w²³^{}+\-]*|[A-Z]{2,}[\w²³^{}+\-]*"
    r"|[A-Z][a-z]+-?\d[\w.\-]*|[A-Z][\w²³]*\d[\w²³]*)"
)


def names(text: str) -> list[str]:
    """Method, model and data set names and acronyms: words with inner capitals or digits.

    A plain capitalised word is not a name here: it may just begin a sentence.
    """
    return [match.rstrip(".-/") for match in _NAME.findall(readable(text))]


_EXPONENT = "⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹"
_NUMBER = re.compile(
    r"(?<![\w.])[-−+~≈<>≤≥]?\$?(\d{1,3}(?:[,  ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"([{_EXPONENT}]+)?"
    r"\s?(%|percent(?:age points?)?|(?:x|×|times|fold|points?|[kKmMbB]|million|billion|thousand)(?![A-Za-z]))?"
)
_SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
).split()
# "One" is mostly no number ("one of the", "the one that").
_WORD_NUMBERS = {word: str(value) for value, word in enumerate(_SMALL, start=1) if value > 1} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000", "twice": "2x", "double": "2x", "doubles": "2x", "triple": "3x",
    "half": "0.5", "halves": "0.5",
}  # fmt: skip
_UNITS = {
    "percent": "%", "percentage point": "%", "percentage points": "%", "×": "x", "times": "x", "fold": "x",
    "thousand": "k", "million": "m", "billion": "b", "point": "", "points": "",
}  # fmt: skip


def numbers(text: str) -> list[str]:
    """Numbers with their unit in one canonical form, in order: `25 percent` and `25%` are both `25%`."""
    text = readable(text)
    found = [(match.start(), _canonical(match[1], match[2] or "", match[3] or "")) for match in _NUMBER.finditer(text)]
    found += [
        (match.start(), _WORD_NUMBERS[match[0].lower()])
        for match in _WORD.finditer(text)
        if match[0].lower() in _WORD_NUMBERS and not text[: match.start()].rstrip()[-1:].isdigit()
    ]
    return [number for _, number in sorted(found)]


def _canonical(digits: str, exponent: str, unit: str) -> str:
    value = re.sub(r"[,  ]", "", digits)
    if "." in value:
        value = value.rstrip("0").rstrip(".")
    unit = unit.lower()
    return value + exponent + _UNITS.get(unit, unit)
