"""What the page's script does with the letters of a growing answer (`ui/assets/live.js`), in Python."""

from __future__ import annotations

import json


def carried_out(letters: str) -> list[str]:
    """The pieces of markup that all these letters amount to; positions in them count UTF-16 units."""
    pieces: list[bytes] = []
    for line in letters.split("\n")[:-1]:
        for number, start, end, words in json.loads(line):
            pieces += [b""] * (number + 1 - len(pieces))
            old = pieces[number]
            pieces[number] = old[: 2 * start] + words.encode("utf-16-le") + old[len(old) - 2 * end :]
    return [piece.decode("utf-16-le") for piece in pieces]
