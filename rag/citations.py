"""The citation grammar, parsed while the answer streams.

A citation is `[n]` or `[n, m]` where every number was handed out. Scientific text is full of other
square brackets (`[0, 1)`, `[12]`, `x[1]`): whatever is not a citation stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from rag.text import sentence_spans

_GROUP = re.compile(r"\s?(?<![\w^_\\)\]])((?:\[\d{1,3}(?:\s?[,;]\s?\d{1,3})*\])+)(?![\w(\[])")
_NUMBER = re.compile(r"\d{1,3}")
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)])\s+(?=\S)")
# Small models announce their answer; the announcement is no part of it.
_LEAD_IN = re.compile(r"^(?:the )?(?:final )?answer(?: is)?:\s*", re.IGNORECASE)
_END = re.compile(r"[.!?…][\"'”’)\]]*(?:\s*\[\d[\d,; ]*\])*\s*$|(?<=\w)(?:\s*\[\d[\d,; ]*\])+\s*$")
_OPEN = re.compile(r"\s*(?:\[[\d,;\s]*)?$")


def extract(text: str, handed_out: Collection[int]) -> tuple[str, tuple[int, ...]]:
    """Takes the citations out of a sentence.

    Returns:
        The sentence without its markers, and the numbers it cites in order, each once. A bracket
        that names a number nobody handed out stays in the text.
    """
    numbers: list[int] = []

    def take(match: re.Match[str]) -> str:
        found = [int(number) for number in _NUMBER.findall(match[1])]
        if not all(number in handed_out for number in found):
            return match[0]
        numbers.extend(found)
        return ""

    clean = re.sub(r"\s+([.!?,;:])", r"\1", _GROUP.sub(take, text)).strip()
    # "It is fast. [1]." has one full stop too many once its marker is gone.
    if numbers and clean.endswith("..") and not clean.endswith("..."):
        clean = clean[:-1]
    return clean, tuple(dict.fromkeys(numbers))


def is_ended(sentence: str) -> bool:
    """Does the sentence end, its markers aside, or does it break off?"""
    return _END.search(sentence) is not None


class SentenceStream:
    """Cuts streamed text into sentences, each with the markers that follow its full stop."""

    def __init__(self) -> None:
        self._buffer = ""

    @property
    def draft(self) -> str:
        """The sentence being written, so far."""
        return _BULLET.sub("", self._buffer.lstrip())

    def feed(self, piece: str) -> Iterator[str]:
        """Adds text and yields the sentences that it completes."""
        self._buffer += piece
        while (cut := self._complete()) is not None:
            sentence, self._buffer = self._buffer[:cut], self._buffer[cut:]
            if cleaned := _clean(sentence):
                yield cleaned

    def finish(self) -> Iterator[str]:
        """Yields what is left when the text ends."""
        for line in self._buffer.split("\n"):
            for start, end in _with_markers(line):
                if cleaned := _clean(line[start:end]):
                    yield cleaned
        self._buffer = ""

    def _complete(self) -> int | None:
        newline = self._buffer.find("\n")
        if newline >= 0 and self._buffer[:newline].strip():
            spans = _with_markers(self._buffer[:newline])
            return spans[0][1] if len(spans) > 1 else newline + 1
        if newline >= 0:
            return newline + 1
        spans = _with_markers(self._buffer)
        if len(spans) < 2 or _OPEN.fullmatch(self._buffer, spans[0][1]):
            return None
        return spans[0][1]


def _with_markers(text: str) -> list[tuple[int, int]]:
    """Sentence spans, where markers after a full stop belong to the sentence before it."""
    spans: list[tuple[int, int]] = []
    for first, end in sentence_spans(text):
        start = first
        lead = re.match(r"(?:\[\d{1,3}(?:\s?[,;]\s?\d{1,3})*\]\s*)+[.]?\s*", text[start:end])
        if lead and spans:
            spans[-1] = (spans[-1][0], start + lead.end())
            start += lead.end()
        if text[start:end].strip() and not (spans and re.fullmatch(r"\[[\d,;\s]*", text[start:end])):
            spans.append((start, end))
    return spans


def _clean(sentence: str) -> str:
    return _LEAD_IN.sub("", _BULLET.sub("", sentence.strip())).strip()
