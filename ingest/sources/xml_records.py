"""XML as a stream of records: what the XML formats share.

A file is parsed as it is read and every record forgotten once it is made, so that memory stays flat over
any number of them. Nothing outside the file is ever loaded, and a file that declares entities is refused:
they can stand for gigabytes, or for a file of the reader's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ingest.records import Record, Records, Rejected
from ingest.sources.opened import HEAD_BYTES, Head, SourceFile
from ingest.sources.xml_text import Element
from rag.errors import SourceError

BLOCK = 64 * 1024
# PubMed's largest records, with three thousand authors and their addresses, stay below.
LONGEST_RECORD = 8_000_000

# Atomic groups: what a hostile prolog makes backtrack otherwise takes for ever.
_PROLOG = re.compile(
    r"\ufeff?(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+"
    r"(?P<doctype><!DOCTYPE\b(?>[^\[>\"']+|\"[^\"]*\"|'[^']*')*+(?P<subset>\[(?!\s*\]))?(?:\[\s*\]\s*)?>?)?"
    r"(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+"
    r"(?:<(?:[\w.-]+:)?(?P<root>[\w.-]+))?",
    re.DOTALL,
)


def root_name(head: Head) -> str:
    """The outermost element's name without its prefix; empty where the file is not XML."""
    match = _PROLOG.match(head.text)
    return (match["root"] or "") if match else ""


def read_elements(file: SourceFile, names: tuple[str, ...], make: Callable[[Element, int], Record | None]) -> Records:
    """Records made of the elements called `names`, in file order.

    Args:
        file: The file.
        names: Elements to make records of, whatever their namespace.
        make: A record of an element and its number from 1, or `None` for none. The element lasts for the call only;
            of its ancestors it may read attributes.

    Raises:
        SourceError: The file declares entities, or is not XML.
    """
    _check_prolog(file)
    number = 0
    for element in _elements(file, names):
        if isinstance(element, Rejected):
            yield element
            continue
        number += 1
        record = make(element, number)
        if record is not None:
            yield record


def _check_prolog(file: SourceFile) -> None:
    match = _PROLOG.match(file.head.text)
    if match and match["subset"]:
        raise SourceError(
            f"{file.name} declares entities of its own (<!DOCTYPE … [ … ]>), which no source of papers does. "
            "Fetch it again, or take out what stands in the square brackets."
        )
    if not match or not match["root"]:
        raise SourceError(
            f"{file.name} is not XML: no element begins within its first {HEAD_BYTES // 1024} KB. "
            "Check the file, or name another format with --format."
        )


def _elements(file: SourceFile, names: tuple[str, ...]) -> Iterator[Element]:
    from lxml import etree

    # The pull parser is iterparse without its own reading: it lets us count what a record takes.
    parser = etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    held = number = 0
    while True:
        block = file.binary.read(BLOCK)
        damage = None
        try:
            if block:
                parser.feed(block)
            else:
                parser.close()
        except etree.LxmlError as error:
            damage = error
        for _, element in parser.read_events():
            number += 1
            held = 0
            yield element
            _forget(element)
        if damage is not None:
            # What the parser says first is enough: the rest repeats the place.
            what = str(damage).partition(", line ")[0].partition("\n")[0][:120]
            where = f"line {getattr(damage, 'lineno', None) or 1}"
            yield Rejected(file.name, where, f"the XML is damaged from here ({what})")
            return
        if not block:
            return
        held += len(block)
        if held > LONGEST_RECORD:
            reason = f"over {LONGEST_RECORD // 1_000_000} MB long: not a paper, and nothing after it was read"
            yield Rejected(file.name, f"record {number + 1}", reason)
            return


def _forget(element: Element) -> None:
    """Frees a finished record and what stands before it, beside it and beside its parent."""
    element.clear(keep_tail=True)
    for _ in range(2):
        parent = element.getparent()
        if parent is None:
            return
        while parent[0] is not element:
            del parent[0]
        element = parent
