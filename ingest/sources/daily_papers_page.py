"""What a saved web page holds: the JSON in its attributes, and its text in lines.

The page is parsed without building a tree: that would take a hundred times its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.sources.daily_papers import Line

# Deeper than any page; the parser takes time in proportion to the depth for every end tag that closes nothing.
DEEPEST = 256
BLOCK = 64 * 1024

_BLOCKS = frozenset(
    """address article aside blockquote body br button dd details div dl dt fieldset figcaption figure footer form h1
    h2 h3 h4 h5 h6 header hr label li main nav ol option p pre section select summary table tbody td th thead tr
    ul""".split()
)
_UNSEEN = frozenset("head script style template noscript svg textarea iframe object".split())


class PageTooDeep(Exception):  # noqa: N818  # a finding, not a fault
    """Elements within elements beyond what a page has."""


def embedded_json(page: str) -> list[str]:
    """Values of the page's `data-props` attributes."""
    if "data-props" not in page:
        return []
    target = _Attributes()
    for _ in _parsed(page, target):
        pass
    return target.found


def page_lines(page: str) -> Iterator[Line]:
    """Lines of text as a reader sees them, numbered from 1, blank ones left out."""
    number = 0
    target = _Lines()
    for _ in _parsed(page, target):
        lines, target.done = target.done, []
        for line in lines:
            number += 1
            yield number, line


class _Target:
    """Takes the parser's events."""

    def __init__(self) -> None:
        self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise PageTooDeep

    def end(self, tag: str) -> None:
        self.depth -= 1

    def data(self, text: str) -> None: ...

    def close(self) -> None: ...


class _Attributes(_Target):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        if value := attributes.get("data-props"):
            self.found.append(value)


class _Lines(_Target):
    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self._line: list[str] = []
        self._unseen = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        self._unseen += tag in _UNSEEN
        self._break_at(tag)

    def end(self, tag: str) -> None:
        super().end(tag)
        self._unseen -= tag in _UNSEEN
        self._break_at(tag)

    def data(self, text: str) -> None:
        if not self._unseen:
            self._line.append(text)

    def close(self) -> None:
        self._break_at("body")

    def _break_at(self, tag: str) -> None:
        if tag in _BLOCKS and self._line:
            if line := " ".join("".join(self._line).split()):
                self.done.append(line)
            self._line = []


def _parsed(page: str, target: _Target) -> Iterator[None]:
    """Parses; after each block `target` holds what was found so far."""
    from lxml import etree

    # With its limit on a node's length (huge_tree=False) libxml2 2.14 never ends at a comment over 10 MB.
    # The caller bounds the page.
    parser: Any = etree.HTMLParser(target=target, encoding="utf-8", no_network=True, huge_tree=True)
    for start in range(0, len(page), BLOCK):
        parser.feed(page[start : start + BLOCK].encode("utf-8", "replace"))
        yield
    parser.close()
    yield
