"""Where the large services keep inside other objects what everyone else has at the top of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def spelled_out(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with plain fields beside the nested ones of OpenAlex, DataCite, CORD-19 and their like.

    A field that the record has itself stays as it is.
    """
    found: dict[str, Any] = {}
    for name in ("metadata", "bibjson"):  # CORD-19 and Zenodo; DOAJ
        if isinstance(data.get(name), Mapping):
            found.update(data[name])
    found.update(_open_alex(data) or _data_cite(data))
    new = {name: value for name, value in found.items() if value and data.get(name) in (None, "", [], {})}
    return {**data, **new} if new else data


def _open_alex(data: Mapping[str, Any]) -> dict[str, Any]:
    place = data.get("primary_location")
    if not isinstance(place, Mapping):
        return {}
    source = place.get("source")
    venue = source.get("display_name") if isinstance(source, Mapping) else None
    return {"venue": venue, "url": place.get("landing_page_url")}


def _data_cite(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of several descriptions the one called the abstract."""
    if not {"titles", "descriptions"} & data.keys():
        return {}
    described = [part for part in _list(data.get("descriptions")) if isinstance(part, Mapping)]
    described.sort(key=lambda part: part.get("descriptionType") != "Abstract")
    titles = _list(data.get("titles"))
    return {
        "abstract": described[0].get("description") if described else None,
        "title": titles[0].get("title") if titles and isinstance(titles[0], Mapping) else None,
        "venue": data.get("container"),
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
