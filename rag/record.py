"""An answer as it is kept: a plain dictionary from which the same answer comes back.

The contract's JSON (`rag.serialize`) is for readers outside and leaves things out; this leaves out only the
abstracts of papers that were found but not read. Fields are walked by their type hints, so a field added
to a value is kept without a change here, and a record that was written before it existed gets its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from rag.serialize import paper_from_dict, paper_to_dict
from rag.types import Answer, Paper

FORMAT = 1


def answer_to_record(answer: Answer) -> dict[str, Any]:
    """The answer as JSON can hold it; every paper once."""
    read = {passage.paper.id for passage in answer.context.passages}
    papers: dict[str, dict[str, Any]] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Paper):
            kept = value if value.id in read else replace(value, abstract="")
            papers.setdefault(value.id, paper_to_dict(kept))
            return value.id
        if isinstance(value, Enum):
            return value.value
        if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, tuple | list | set | frozenset):
            return [plain(item) for item in value]
        return value

    return {"format": FORMAT, "answer": plain(answer), "papers": papers}


def answer_from_record(record: Mapping[str, Any]) -> Answer:
    """The inverse of `answer_to_record`.

    Raises:
        ValueError: The record is damaged or of a later format.
    """
    try:
        if int(record["format"]) > FORMAT:
            raise ValueError(f"format {record['format']} is later than {FORMAT}")
        papers = {paper_id: paper_from_dict(paper) for paper_id, paper in record["papers"].items()}
        answer = _built(Answer, record["answer"], papers)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the record of an answer ({error})") from error
    assert isinstance(answer, Answer)
    return answer


def _built(kind: Any, value: Any, papers: Mapping[str, Paper]) -> Any:
    if kind is Paper:
        return papers[value]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if value is None else _built(inner, value, papers)
    if origin is tuple:
        each = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        return tuple(_built(inner, item, papers) for inner, item in zip(each, value, strict=True))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        known = {name: _built(hints[name], item, papers) for name, item in value.items() if name in hints}
        return kind(**known)
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
