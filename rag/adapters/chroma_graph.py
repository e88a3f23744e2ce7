"""Are the files of a vector graph as long as they say?

Chroma writes its graph (hnswlib's) in several files and opens one that is cut short without a word: what was
cut off then reads as zeros, and questions find the wrong papers. The header tells how long the others are.
"""

from __future__ import annotations

import struct
from pathlib import Path

HEADER = "header.bin"
# Version, offset, places, elements, bytes an element.
_START = struct.Struct("<iQQQQ")
_VERSION, _HEADER_BYTES = 1, 100
_LENGTH_BYTES = 4
_LINKS = struct.Struct("<I")


def is_whole(folder: Path) -> bool:
    """Do the files of this graph fit together? One of another version is taken at its word.

    Raises:
        OSError: A file cannot be read.
    """
    header = (folder / HEADER).read_bytes()
    if len(header) < _START.size:
        return False
    version, _, _, elements, size = _START.unpack_from(header)
    if version != _VERSION or not elements:  # one that holds nothing yet is not read from its files
        return True
    lengths = {HEADER: _HEADER_BYTES, "data_level0.bin": elements * size, "length.bin": elements * _LENGTH_BYTES}
    if any(_length(folder / name) != length for name, length in lengths.items()):
        return False
    return _links_are_whole(folder / "link_lists.bin", elements)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _links_are_whole(path: Path, elements: int) -> bool:
    """Each element's links: their length, then so many bytes."""
    links = path.read_bytes() if path.is_file() else b""
    at = 0
    for _ in range(elements):
        if at + _LINKS.size > len(links):
            return False
        at += _LINKS.size + _LINKS.unpack_from(links, at)[0]
    return at == len(links)
