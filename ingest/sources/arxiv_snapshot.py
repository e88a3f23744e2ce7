"""The arXiv metadata snapshot, as published for download in bulk: one record a line, all of arXiv."""

from __future__ import annotations

import re
from typing import Any

from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.arxiv_atom import is_withdrawn
from ingest.sources.arxiv_oai import names_in
from ingest.sources.json_fields import names_of, text_of
from ingest.sources.json_records import read_objects
from ingest.sources.opened import Head, SourceFile

NAME = "arxiv-snapshot"


def matches(head: Head) -> bool:
    """The first line is an object with the fields that only arXiv has. Authors, a long list, may cut it off."""
    first = head.first_line
    return first.startswith("{") and '"submitter"' in first and ('"authors_parsed"' in first or '"report-no"' in first)


def read(file: SourceFile) -> Records:
    """One paper a line; withdrawn ones are rejected."""
    return read_objects(file, _record)


def _record(data: dict[str, Any], where: str, file: SourceFile) -> Record:
    abstract, comment = text_of(data.get("abstract")), text_of(data.get("comments"))
    if is_withdrawn(comment.strip(), abstract.strip()):
        return Rejected(file.name, where, "withdrawn by its authors or by arXiv")
    listed = data.get("versions")
    versions = [version for version in listed if isinstance(version, dict)] if isinstance(listed, list) else []
    own, latest = text_of(data.get("id")).strip(), text_of(versions[-1].get("version")) if versions else ""
    return make_record(
        file.name,
        where,
        title=text_of(data.get("title")),
        abstract=abstract,
        authors=names_of(data.get("authors_parsed")) or names_in(text_of(data.get("authors"))),
        # The first version's day is the paper's; `update_date` moves with every correction of the record.
        date=(text_of(versions[0].get("created")) if versions else "") or text_of(data.get("update_date")),
        venue=text_of(data.get("journal-ref")),
        doi=next(iter(text_of(data.get("doi")).split()), None),
        arxiv_id=own + latest if re.fullmatch(r"v\d{1,3}", latest) else own,
        categories=text_of(data.get("categories")).split(),
        extra={
            "comment": comment,
            "report_number": text_of(data.get("report-no")),
            "license": text_of(data.get("license")),
            "updated": text_of(data.get("update_date")),
        },
    )
