"""An answer that is being written: how it is stopped, and how it reaches the page. Knows nothing of Gradio.

Gradio sends a text that has grown by its new end, and any other text anew. An answer's markup grows in the middle,
so what is sent is a text that only ever grows: letters, one JSON array a line, that `assets/live.js` carries out
upon its copy of the markup. None can be lost, however many of them arrive at a time.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from typing import TypeGuard

from ui import cards, render
from ui.render import Writing

Change = tuple[int, int, int, str]

# Between two letters: quicker than reading, and several words of a quick model at a time.
PACE_SECONDS = 0.03
# The sources in parts, so that a change in two cards is not everything between them.
_CARD = re.compile("(?=<article )")


class Run:
    """One answer from question to end."""

    def __init__(self, question: str, turn: int) -> None:
        self.cancel = threading.Event()
        self.turn = turn
        self.state = Writing(question)
        self._news, self._ended = asyncio.Event(), False

    def tell(self, state: Writing) -> None:
        """There is something new to show."""
        self.state = state
        self._news.set()

    def end(self) -> None:
        """Stops the computation, and ends the letters."""
        self._ended = True
        self.cancel.set()
        self._news.set()

    @property
    def ended(self) -> bool:
        """Nothing more comes, also where the page was not told, as its connection was lost."""
        return self._ended

    async def letters(self) -> AsyncIterator[str]:
        """The growing text, each time there is something new; at the end nothing, which is what stays."""
        pieces: Sequence[str] = ()
        sources, checked, letters = cards.NO_SOURCES, None, ""
        while await self._news.wait() and not self._ended:
            self._news.clear()
            if checked != (checked := (self.state.context, self.state.sentences)):
                sources = render.writing_sources(self.state, self.turn)
            shown = [render.writing(self.state, self.turn), *_CARD.split(sources)]
            if shown != pieces:
                letters += json.dumps(changes(pieces, shown), ensure_ascii=False, separators=(",", ":")) + "\n"
                pieces = shown
                yield letters
            await asyncio.sleep(PACE_SECONDS)
        yield ""


def writing(run: Run | None) -> TypeGuard[Run]:
    """Is an answer being written?"""
    return run is not None and not run.ended


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """What turns each of the old pieces into the new one; of these there are at least as many.

    A change is the number of the piece, how much of it stays at its start and at its end, in UTF-16 units, and
    what stands between.
    """
    grown = [*old, *("" for _ in new[len(old) :])]
    return [(n, *_change(*pair)) for n, pair in enumerate(zip(grown, new, strict=True)) if pair[0] != pair[1]]


def _change(old: str, new: str) -> tuple[int, int, str]:
    start = _alike(old, new)
    old, kept, new = old[start:], old[:start], new[start:]
    end = _alike(old[::-1], new[::-1])
    return _units(kept), _units(old[len(old) - end :]), new[: len(new) - end]


def _alike(one: str, other: str) -> int:
    """Number of characters that both begin with; by halves, as comparing slices is quick."""
    return bisect_left(range(1, min(len(one), len(other)) + 1), True, key=lambda n: one[:n] != other[:n])


def _units(text: str) -> int:
    # Scripts count in these.
    return len(text.encode("utf-16-le")) // 2
