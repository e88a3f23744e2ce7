"""JSON that is not one record a line: a list of records, an object around one, or records by their id.

What the interfaces of OpenAlex, Semantic Scholar, Crossref, Europe PMC, DataCite and search engines
answer, and what `json.dump` writes. Where in it the records lie is told by the fields they hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.records import Records, Rejected
from ingest.sources.json_fields import FIELDS, folded, record_from
from ingest.sources.json_stream import Address, parsed, records, survey
from ingest.sources.opened import Head, SourceFile
from rag.errors import SourceError

NAME = "json"

Seen = Mapping[Address, Mapping[str, str]]

# A thing with a name and a description may be anything; one with a title or an abstract is a paper.
_TITLES = {*FIELDS["title"], "titles"} - {"name", "displayname"}
_ABSTRACTS = {
    *("abstract", "abstracttext", "abstractnote", "paperabstract", "articleabstract", "abstractinvertedindex"),
    *("ab", "descriptions"),
}
# {"message": {…}} is one record, {"smith2020": {…}} the first of many.
_AROUND_ONE = {
    *("message", "paper", "work", "article", "data", "item", "attributes", "record", "result", "response", "content"),
    *("publication", "document", "metadata", "source"),
}


def matches(head: Head) -> bool:
    """A list of objects, or an object that holds papers; records of one line each are left to `jsonl`."""
    text = head.start
    if not text.startswith(("[", "{")):
        return False
    seen = survey(text)
    address = address_of(seen)
    if address == ():
        first, second = [*head.lines[:2], ""][:2]
        return _telling(seen[()]) > 2 and second != "" and second[0] != "{" and isinstance(parsed(first), str)
    # An empty list is a list of no papers, and one of unknown fields is told with their names.
    is_list = text[0] == "[" and (next(iter(seen), None) == (None,) or text[1:].strip() == "]")
    return address is not None or is_list


def read(file: SourceFile) -> Records:
    """One record an object, numbered from 1; damage inside one costs that one only.

    Raises:
        SourceError: The file holds columns, not records.
    """
    seen = survey(file.head.text)
    address = address_of(seen, set(file.columns.values()))
    if address is None:
        address = (None,) if file.head.start.startswith("[") else ()
    if _is_columns(seen, address):
        raise SourceError(
            f"{file.name} holds a list for each column instead of an object for each paper. "
            "Save it as records (pandas: to_json(name, orient='records', lines=True)) and try again."
        )
    for number, found in enumerate(records(file, address), start=1):
        where = f"record {number}"
        data = found.problem or parsed(found.text)
        if isinstance(data, str):
            yield Rejected(file.name, where, data)
        else:
            # Only under "any key" is the key the record's own: "attributes" and "metadata" hold every record.
            key = found.key if address and address[-1] is None else ""
            yield record_from(_named(data, key), where, file)


def address_of(seen: Seen, own: set[str] | None = None) -> Address | None:
    """Where the objects lie that look most like papers, the outermost first; `None` where none does.

    Args:
        seen: What the file's beginning holds.
        own: Names that the user gives to title and abstract.
    """
    best, most = None, 0
    for address, keys in seen.items():
        telling = max(_telling(keys), 4 if own and own & keys.keys() else 0)
        if telling > most or (best is not None and telling == most and len(address) < len(best)):
            best, most = address, telling
    if best and best[-1] is not None and folded(best[-1]) not in _AROUND_ONE:
        beside = seen.get(best[:-1], {})
        if all(begins == "{" for begins in beside.values()):
            return (*best[:-1], None)
    return best


def _telling(keys: Mapping[str, str]) -> int:
    """How surely these are a paper's: 4 with title and abstract, 1 with either.

    A collection may have a title and a description, and a journal in a record has a title.
    """
    names = {folded(key) for key in keys}
    title, abstract = bool(names & _TITLES), bool(names & _ABSTRACTS)
    if title and abstract:
        return 4
    named, told = title or bool(names & set(FIELDS["title"])), abstract or bool(names & set(FIELDS["abstract"]))
    return int(title or abstract) + 2 * int(named and told)


def _is_columns(seen: Seen, address: Address) -> bool:
    """Do title and abstract each hold a list, or an object of numbered rows?"""
    begins = seen.get(address, {})
    pair = [(name, begins[name]) for name in begins if folded(name) in _TITLES | _ABSTRACTS]
    if len(pair) < 2 or any(bracket != pair[0][1] for _, bracket in pair):
        return False
    if pair[0][1] == "{":
        return all(seen.get((*address, name), {"": ""}).keys() <= _ROWS for name, _ in pair)
    return pair[0][1] == "[" and not any(seen.get((*address, name, None)) for name, _ in pair)


_ROWS = {str(row) for row in range(10_000)}


def _named(data: dict[str, Any], key: str) -> dict[str, Any]:
    """With the key as its id where it has none; a data frame's row number is no id."""
    if not key or (key.isdecimal() and len(key) < 7) or any(folded(name) in FIELDS["id"] for name in data):
        return data
    return {"id": key, **data}
