"""Authors' names taken apart, for formats that want family and given names, and several put into one text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from ingest.normalize import person

# Small words that begin a family name: van Beethoven, de la Vallée Poussin, al-Haytham.
_PARTICLES = frozenset(
    "van von vom vander de del della dello der den di da das dos do du la le las los el al ter ten te zu zum zur"
    " af av bin ibn ben st. san y e".split()
)
_SUFFIX = re.compile(r"^(?:[JS][Rr]\.?|[js]r\.|II|III|IV)$")
# Not people, whose last word is no family name.
_GROUPS = re.compile(
    r"\b(?:collaborations?|consortium|group|team|network|society|association|committee|initiative|university|institute"
    r"|laboratory|project|investigators|members|authors|foundation|center|centre|company|inc|ltd)\b",
    re.IGNORECASE,
)


class Name(NamedTuple):
    """Family name with its particles, given names, suffix; a name that is not to be taken apart is `family` alone."""

    family: str
    given: str = ""
    suffix: str = ""

    def family_first(self) -> str:
        """`van Beethoven, Ludwig`, `King, Jr., Martin Luther`."""
        return ", ".join(filter(None, (self.family, self.suffix, self.given)))


def split(name: str) -> Name:
    """A `Paper`'s author as family, given name and suffix.

    The parts put together are read back as `name`: where they would not be (a name with commas, one whose
    given name looks like a suffix), or where it is a group or one word, it is left whole.
    """
    words = name.split()
    if len(words) < 2 or "," in name or _GROUPS.search(name):
        return Name(name)
    suffix = words.pop() if len(words) > 2 and _SUFFIX.match(words[-1]) else ""
    # "Maria van der Berg", but not a particle that begins the name: "Van Nguyen", "de Groot".
    starts = (i for i, word in enumerate(words[:-1]) if i and (word in _PARTICLES or word.startswith(("al-", "el-"))))
    at = next(starts, len(words) - 1)
    found = Name(" ".join(words[at:]), " ".join(words[:at]), suffix)
    return found if person(found.family_first()) == name else Name(name)


def whole(name: str) -> str:
    """The name so that it is read back as it is: in braces where its commas would be taken for `Last, First`."""
    return name if person(name) == name else f"{{{name}}}"


def listed(values: list[str], read: Callable[[str], list[str]]) -> str:
    """Values in one text, as plain as `read` takes apart again: by semicolons, else as a JSON list."""
    for text in ("; ".join(values), "; ".join(values) + ";"):
        if [part for part in read(text) if part] == values:
            return text
    return json.dumps(values, ensure_ascii=False)
