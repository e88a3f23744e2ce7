"""The ACL Anthology's XML: a collection of volumes of papers."""

from __future__ import annotations

import re

from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.opened import Head, SourceFile
from ingest.sources.xml_records import read_elements, root_name
from ingest.sources.xml_text import Element, brief, each, said

NAME = "acl-xml"

_META = ("booktitle", "journal-title", "year", "month")


def matches(head: Head) -> bool:
    """A collection with a volume that holds papers (until 2019 a volume was the whole file)."""
    root = root_name(head)
    inside = re.search(r"<(?:paper|frontmatter|meta)[\s>]", head.text) is not None
    return inside and (root == "volume" or (root == "collection" and re.search(r"<volume\s", head.text) is not None))


def read(file: SourceFile) -> Records:
    """Papers of all volumes; a retracted or removed one is rejected with its Anthology id."""
    volume: dict[str, str] = {}

    def record(element: Element, number: int) -> Record | None:
        nonlocal volume
        if element.tag.endswith("meta"):
            # It stands before the volume's papers, and holds for all of them.
            volume = {name: said(element, name) for name in _META}
            volume["id"] = _volume_id(element)
            volume["venue"] = " ".join(venue for each_venue in each(element, "venue") if (venue := said(each_venue)))
            return None
        return _record(element, number, volume if volume.get("id") == _volume_id(element) else {}, file.name)

    return read_elements(file, ("meta", "paper"), record)


def _record(paper: Element, number: int, volume: dict[str, str], source: str) -> Record:
    link = brief(paper, "url")
    own = _anthology_id(paper) if "://" in link or not link else link
    where = f"paper {own}" if own else f"paper {number}"
    for notice in ("retracted", "removed"):
        if each(paper, notice):
            return Rejected(source, where, f"{notice}: {said(paper, notice)}"[:200].rstrip(": "))
    held = {name: said(paper, name) or volume.get(name, "") for name in (*_META, "journal")}
    address = f"https://aclanthology.org/{own}" if own else None
    return make_record(
        source,
        where,
        title=said(paper, "title"),
        abstract=said(paper, "abstract"),
        # The family name may hold "Jr." after a comma, as `make_record` expects it after the given name.
        authors=[f"{said(author, 'first')} {said(author, 'last')}" for author in each(paper, "author")],
        date=f"{held['month'][:50]} {held['year'][:50]}",
        venue=held["journal-title"] or held["journal"] or held["booktitle"],
        url=link if "://" in link else address,
        doi=brief(paper, "doi"),
        extra={
            "anthology_id": own,
            "acl_venue": volume.get("venue", ""),
            "pages": brief(paper, "pages"),
            "language": brief(paper, "language"),
        },
    )


def _volume_id(element: Element) -> str:
    volume = element.getparent()
    return volume.get("id") or "" if volume is not None else ""


def _anthology_id(paper: Element) -> str:
    """The id that the Anthology builds where the paper does not name its own.

    `2020.acl-main.7` since 2020; before, `P18-1007`: one digit of volume and three of paper, two and two for workshops.
    """
    volume = paper.getparent()
    collection = volume.getparent() if volume is not None else None
    number = (paper.get("id") or "")[:20]
    if volume is None or not number:
        return ""
    in_volume = (volume.get("id") or "")[:40]
    if collection is None:
        return f"{in_volume}-{number}"
    name = (collection.get("id") or "")[:40]
    if "." in name or not (number.isdecimal() and in_volume.isdecimal()):
        return f"{name}-{in_volume}.{number}"
    is_workshop = name.startswith("W") or name == "C69" or (name == "D19" and int(in_volume) >= 5)
    return f"{name}-{in_volume.zfill(2)}{number.zfill(2)}" if is_workshop else f"{name}-{in_volume}{number.zfill(3)}"
