"""Papers by address: `arxiv:2410.05983,1706.03762`, `arxiv-search:QUERY`, `daily-papers:2025-11-05`.

What a site answers goes through the module of its format, as a file with the same content would.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ingest import normalize
from ingest.records import Records, Rejected
from ingest.sources import arxiv_atom, daily_papers_web
from ingest.sources.fetching import TRIES, Site
from ingest.sources.opened import SourceFile
from ingest.sources.xml_records import root_name
from rag.errors import SourceError, UsageError
from rag.types import Paper

SCHEMES = ("arxiv:", "arxiv-search:", "daily-papers:")
HOSTS = {"arxiv": "https://export.arxiv.org", "huggingface": "https://huggingface.co"}
# arXiv asks for three seconds between requests.
PAUSE = 3.0
MOST_RESULTS = 200
IDS_A_REQUEST = 50
RESULTS_A_REQUEST = 100

_FIELD = re.compile(r"\b(?:ti|au|abs|co|jr|cat|rn|id|all):")
_TOTAL = re.compile(r"totalResults[^>]*>\s*(\d{1,9})\s*<")


def is_address(text: str) -> bool:
    """Is this an address, not a path?"""
    return text.lower().startswith(SCHEMES)


def read_address(
    address: str, *, base_urls: Mapping[str, str] | None = None, pause: float = PAUSE, most: int = MOST_RESULTS
) -> Records:
    """Papers at an address, fetched as they are read.

    Args:
        address: See `SCHEMES`. A search is arXiv's own (`au:knuth AND cat:cs.DS`), or words that all must occur.
        base_urls: Another server for `arxiv` or `huggingface`, as `HOSTS`.
        pause: Seconds between two requests to one site.
        most: Results of a search at most.

    Raises:
        UsageError: The address names nothing that can be fetched.
        SourceError: The site cannot be reached, refuses, or answers with something else.
    """
    scheme, _, what = address.partition(":")
    urls = {**HOSTS, **(base_urls or {})}
    arxiv = Site("arXiv", urls["arxiv"], pause)
    if scheme.lower() == "arxiv":
        yield from _by_ids(address, _ids(what), arxiv)
    elif scheme.lower() == "arxiv-search":
        yield from _search(address, _query(what), arxiv, most)
    elif scheme.lower() == "daily-papers":
        yield from _daily(address, what.strip(), Site("Hugging Face", urls["huggingface"], pause))
    else:
        raise UsageError(f"{address!r} is no address. Give one that begins with {', '.join(SCHEMES)}.")


def _ids(what: str) -> list[str]:
    """Ids as arXiv writes them, with the version that was asked for."""
    ids: dict[str, None] = {}
    for part in filter(None, (part.strip() for part in what.split(","))):
        found = normalize.arxiv(part)
        if found is None:
            raise UsageError(f"{part[:60]!r} is not an arXiv id. Write it as in arxiv:2410.05983,math/0309136.")
        ids[found[0] + (f"v{found[1]}" if found[1] else "")] = None
    if not ids:
        raise UsageError("arxiv: names no paper. Write it as in arxiv:2410.05983,math/0309136.")
    return list(ids)


def _by_ids(address: str, ids: list[str], arxiv: Site) -> Records:
    for start in range(0, len(ids), IDS_A_REQUEST):
        asked = ids[start : start + IDS_A_REQUEST]
        missing = {name.partition("v")[0]: name for name in asked}
        answered = 0
        with _feed(arxiv, {"id_list": ",".join(asked), "max_results": len(asked)}, address) as file:
            for record in arxiv_atom.read(file):
                answered += 1
                if isinstance(record, Paper):
                    missing.pop(record.arxiv_id or "", None)
                yield record
        # arXiv leaves out ids that it does not know. A rejected entry does not say whose it is.
        if answered + len(missing) <= len(asked):
            yield from (Rejected(address, name, "arXiv has no such paper") for name in missing.values())
        elif answered < len(asked):
            reason = f"arXiv has no paper for {len(asked) - answered} of these"
            yield Rejected(address, ", ".join(missing.values())[:200], reason)


def _query(what: str) -> str:
    if not what.strip():
        raise UsageError("arxiv-search: has no question. Write it as in 'arxiv-search:long context retrieval'.")
    if _FIELD.search(what):
        return what.strip()
    return " AND ".join(f"all:{word}" for word in re.findall(r'"[^"]+"|[^\s"()]+', what))


def _search(address: str, query: str, arxiv: Site, most: int) -> Records:
    start = empty = 0
    while start < most:
        size = min(RESULTS_A_REQUEST, most - start)
        page: dict[str, str | int] = {"search_query": query, "start": start, "max_results": size, "sortBy": "relevance"}
        count = 0
        with _feed(arxiv, page, address) as file:
            match = _TOTAL.search(file.head.text)
            total = int(match[1]) if match else 0
            for record in arxiv_atom.read(file):
                count += 1
                yield record
        start += count
        # Now and then arXiv sends an empty page in the middle of the results.
        if count == 0 and start < total:
            empty += 1
            if empty < TRIES:
                continue
            yield Rejected(address, f"result {start + 1}", "arXiv sends no more results for now; try again later")
        if count < size:
            return


@contextmanager
def _feed(arxiv: Site, parameters: Mapping[str, str | int], address: str) -> Iterator[SourceFile]:
    with arxiv.answer("/api/query", parameters, address, explained=(400,)) as file:
        if root_name(file.head) != "feed":
            raise _unexpected(arxiv)
        yield file


def _daily(address: str, day: str, site: Site) -> Records:
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"{day[:40]!r} is not a day. Write it as in daily-papers:2025-11-05.") from None
    with site.answer("/api/daily_papers", {"date": day, "limit": 100}, address) as file:
        if not file.head.text.lstrip().startswith("["):
            raise _unexpected(site)
        yield from daily_papers_web.read(file)


def _unexpected(site: Site) -> SourceError:
    return SourceError(
        f"{site.name} answered with something other than papers. Try again later, or save the page and ingest the file."
    )
