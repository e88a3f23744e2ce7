r"""Raw field values to one form, so that the same paper looks the same from every source.

`https://doi.org/10.1000/ABC.` and `doi:10.1000/abc` become `10.1000/abc`, `Müller, J.` and
`J. M{\"u}ller` become `J. Müller`, `2020 Jan-Feb` becomes `2020-01`.
"""

from __future__ import annotations

import calendar
import html
import re
import unicodedata
from urllib.parse import unquote

from rag.text import readable

# --- text --------------------------------------------------------------------------------------

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "b": "\u0331",
    "d": "\u0323",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł",
    "L": "Ł", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
}  # fmt: skip
# \'e, \'{e}, {\'e}, \v{c}, \c c, \'\i: a letter accent needs a brace or a space before its letter.
_ACCENT = re.compile(
    r"\{?\\(?:([`'^~\"=.])\s*|([uvHckrbd])(?:\s+|(?=\{)))(?:\{\s*(\\?[^\W\d_]{1,2})\s*\}|(\\[ij](?![A-Za-z])|[^\W\d_]))\}?"
)
_LETTER = re.compile(
    r"\{?\\(" + "|".join(sorted(_LETTERS, key=len, reverse=True)) + r")(?![A-Za-z])(?:\{\}|\s+(?=\w))?\}?"
)
# What stands in a tag is attributes: "for all i <b and c> 2" holds none.
_TAG = re.compile(
    r"</?(?:i|b|u|em|strong|sub|sup|inf|h[1-6]|ul|ol|li|p|br|span|div|scp|sc|tt|italic|bold|title|sec|monospace"
    r"|inline-formula|tex-math|jats:[a-z-]+|mml:[a-z]+|fixed-case|math)(?:\s[^<>=]*=[^<>]*)?\s?/?>",
    re.IGNORECASE,
)
_RAISED = re.compile(r"<((?:jats:)?su[pb])>([^<>]{1,12})</\1>", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:p|br|div|h[1-6]|ul|ol|li|sec|title|jats:(?:p|sec|title))(?:\s[^<>=]*=[^<>]*)?\s?/?>", re.IGNORECASE
)


# Control characters are never text; those from 0x80 on are mostly Windows' quotation marks and dashes.
_CONTROLS: dict[int, str | None] = dict.fromkeys([*range(9), *range(14, 28), *range(127, 160)]) | {
    byte: char for byte in range(128, 160) if (char := bytes([byte]).decode("cp1252", "ignore"))
}
_HEADING = re.compile(r"^\s*<((?:jats:)?title)>\s*(?:abstract|summary)\s*</\1>", re.IGNORECASE)
_DEBRIS = re.compile(r"[\\&<$]|[\^_]\{")
_PASSES = 6


def clean(text: str) -> str:
    """Readable text: tags, entities and LaTeX accents resolved, white space joined.

    What is read twice is the same as what is read once, down to six layers of `&amp;amp;lt;`.
    """
    text = text.translate(_CONTROLS)
    for _ in range(_PASSES):
        before, text = text, _cleaned(text)
        settled = _DEBRIS.search(text) is None and "times" not in text and unicodedata.is_normalized("NFC", text)
        if settled or text == before:
            break
    return text


def _cleaned(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _RAISED.sub(lambda m: ("^" if m[1][-1] in "pP" else "_") + "{" + m[2] + "}", text)
        text = _HEADING.sub(" ", text)
        text = _BREAK.sub(" ", text)
        text = _TAG.sub("", text)
    if "\\" in text:
        text = latex_letters(text)
    return readable(text)


def latex_letters(text: str) -> str:
    r"""Accented and special letters written as LaTeX commands: `\"o` becomes `ö`, `{\ss}` becomes `ß`."""
    text = _ACCENT.sub(_accented, text)
    return _LETTER.sub(lambda match: _LETTERS[match[1]], text)


def _accented(match: re.Match[str]) -> str:
    mark = _ACCENTS[match[1] or match[2]]
    letter = (match[3] or match[4]).lstrip("\\")
    if not letter:
        return match[0]
    whole = unicodedata.normalize("NFC", letter[0] + mark) + letter[1:]
    # Where a brace opened before the command and did not close with it, it belongs to the text.
    opened, closed = match[0].startswith("{"), match[0].endswith("}") and not (match[3] and match[0][-2:] != "}}")
    if match[3]:
        closed = match[0].endswith("}}")
    if opened and not closed:
        return "{" + whole
    if closed and not opened:
        return whole + "}"
    return whole


def unbraced(text: str) -> str:
    """BibTeX's protecting braces taken away: `{BERT}: a {P}rimer` becomes `BERT: a Primer`; `x_{i}` stays."""
    return re.sub(r"([\^_]\{[^{}]*\})|(?<!\\)[{}]", lambda match: match[1] or "", text)


# --- identifiers -------------------------------------------------------------------------------

# No identifier is longer; the patterns below take quadratic time on what is made for it.
_LONGEST = 1000
# Old DOIs hold an article's place in angle brackets: 10.1002/(SICI)1097-0258(1998)17:15<1661::AID-SIM968>3.0.CO;2-2
_DOI = re.compile(r"(10\.\d{1,9}(?:\.\d+)*/(?:[^\s\"<>]|<[^\s\"<>]*::[^\s\"<>]*>)+)", re.IGNORECASE)
_AFTER_DOI = re.compile(
    r"(?:[?#].*|/(?:full|pdf|abstract|abs|html|epdf|meta|references|fulltext)(?:/.*)?|(?:v\d{1,2})?\.(?:full|pdf|abstract)"
    r"(?:[./].*)?)+$",
    re.IGNORECASE,
)
_ARXIV_DOI = re.compile(r"^10\.48550/arxiv\.(.+)$", re.IGNORECASE)
_ARXIV = re.compile(
    r"(?:^|arxiv[:.\s/]+|arxiv\.org/(?:abs|pdf|html)/)\s*"
    r"(\d{4}\.\d{4,5}|[a-z][a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(\d{1,3}))?(?:\.pdf)?(?![\d])",
    re.IGNORECASE,
)


def doi(text: str | None) -> str | None:
    """A DOI in lower case without its resolver, or `None` where `text` holds none."""
    if not text:
        return None
    text = html.unescape(text[:_LONGEST])
    if "%2f" in text.lower():
        text = unquote(text)
    match = _DOI.search(text)
    if match is None:
        return None
    # What a publisher's address says after the DOI is not part of it.
    name = _AFTER_DOI.sub("", match[1])
    # A bracket that closes one inside the DOI is part of it: 10.1061/(ASCE)0733-9399(2008)134:1(1).
    while name[-1] in ".,;/" or (name[-1] in ")]}" and name.count(name[-1]) > name.count("([{"[")]}".index(name[-1])])):
        name = name[:-1]
    if name.startswith("10.1101/"):  # the address of a version: https://www.biorxiv.org/content/10.1101/…v2
        name = re.sub(r"(?<=\d)(?:v\d{1,2})+(?:\.full-text)?$", "", name)
    return name.lower() if "/" in name else None


def arxiv(text: str | None) -> tuple[str, int | None] | None:
    """An arXiv id and its version: `arXiv:2410.05983v2` is `("2410.05983", 2)`; old style `math/0309136` too."""
    if not text:
        return None
    text = text.strip()[:_LONGEST]
    if as_doi := _ARXIV_DOI.match(doi(text) or ""):
        text = as_doi[1]
    match = _ARXIV.search(text)
    if match is None:
        return None
    # The subject class of an old id is not part of it: math.GT/0309136 is math/0309136.
    name = re.sub(r"\.[A-Za-z]{2}/", "/", match[1]).lower()
    return name, int(match[2]) if match[2] else None


def arxiv_date(own: str, created: str) -> str:
    """`created`, or the month in the arXiv id where that is earlier.

    In the format `arXiv`, `created` has been seen to name the day of the latest version.
    """
    match = re.search(r"(?:^|/)(\d\d)(0[1-9]|1[0-2])(?=\.?\d)", own)
    iso = date(created)
    if match is None:
        return created
    month = f"{19 if match[1] > '90' else 20}{match[1]}-{match[2]}"
    return created if iso and iso[:7] <= month else month


def pubmed(text: str | int | None) -> str | None:
    """A PubMed id: its digits."""
    if isinstance(text, int):
        return str(text) if 0 < text < _LARGE else None
    if not text:
        return None
    match = re.search(r"(?:^|pmid:?\s*|pubmed[^\d]*/)(\d{1,9})(?!\d|\.)", text.strip()[:_LONGEST], re.IGNORECASE)
    return match[1].lstrip("0") or None if match else None


# --- people and dates --------------------------------------------------------------------------

_SUFFIX = re.compile(r"^(jr|sr|[ivx]{1,4})\.?$", re.IGNORECASE)
# Where nothing else follows the family name: "Wang, Xi" and "Kumar, V." have a given name.
_ONLY_SUFFIX = re.compile(r"^(?:[JS][Rr]|[js]r|II|III|IV)\.?$")


def _unmarked(name: str) -> str:
    name = clean(unbraced(name))
    return clean(unbraced(name)) if "{" in name or "}" in name else name  # braces that were escaped


def group(name: str) -> str:
    """A group's name so that `person` does not turn it around at its comma."""
    return "{" + re.sub(r"[{}]", "", name) + "}" if name else ""


def person(name: str) -> str:
    """`Last, First` and `Last, Jr., First` as `First Last` and `First Last Jr.`; anything else as it is."""
    name = latex_letters(name).strip()
    if re.fullmatch(r"\{[^{}]*\}", name):  # in braces: one name, whatever commas it has
        return _unmarked(name)
    name = _unmarked(name).strip(" ,;")
    parts = [part.strip() for part in name.split(",") if part.strip()]
    if len(parts) == 2:
        if _ONLY_SUFFIX.match(parts[1]):
            return f"{parts[0]} {parts[1]}"
        return f"{parts[1]} {parts[0]}"
    if len(parts) == 3 and _SUFFIX.match(parts[1]):
        return f"{parts[2]} {parts[0]} {parts[1]}"
    if len(parts) == 3 and _SUFFIX.match(parts[2]):  # RIS
        return f"{parts[1]} {parts[0]} {parts[2]}"
    return name


_MONTH = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
_COMPACT = re.compile(r"^\s*(\d{4})(\d\d)(\d\d)\s*$")
_ISO = re.compile(r"^\s*(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?!\d)")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_DAY = re.compile(r"(?<!\d)([0-3]?\d)(?:st|nd|rd|th)?(?![\d:])")
_NAMED = re.compile(
    r"(?<![a-z])(?:(jan)(?:uary)?|(feb)(?:ruary)?|(mar)(?:ch)?|(apr)(?:il)?|(may)|(june?)|(july?)|(aug)(?:ust)?"
    r"|(sept?)(?:ember)?|(oct)(?:ober)?|(nov)(?:ember)?|(dec)(?:ember)?)(?![a-z])",
    re.IGNORECASE,
)
# Later than any year; a number of thousands of digits is not made into text.
_LARGE = 10**9


def date(text: str | int | float | None) -> str | None:
    """An ISO date, as exact as `text` is: `yyyy`, `yyyy-mm` or `yyyy-mm-dd`; `None` where it holds no year."""
    if text is None or isinstance(text, bool) or (isinstance(text, int | float) and not 0 < text < _LARGE):
        return None
    value = str(int(text)) if isinstance(text, float) and text.is_integer() else str(text)[:200]
    month = _NAMED.search(value)
    if month is None and (match := _COMPACT.match(value) or _ISO.match(value)):
        return _checked(int(match[1]), int(match[2] or 0), int(match[3] or 0))
    year = _YEAR.search(value)
    if year is None:
        return None
    if month is None:
        return year[1]
    rest = value[: year.start()] + " " + value[year.end() :]
    # "2020 Jan-Feb" and "Jan 5-9" name a span: its beginning counts.
    day = _DAY.search(rest)
    return _checked(int(year[1]), _MONTH[month[0][:3].lower()], int(day[1]) if day else 0)


def _checked(year: int, month: int, day: int) -> str | None:
    if not 1000 <= year <= 2999:
        return None
    if not 1 <= month <= 12:
        return f"{year:04}"
    days = calendar.monthrange(year, month)[1]
    return f"{year:04}-{month:02}-{day:02}" if 1 <= day <= days else f"{year:04}-{month:02}"
