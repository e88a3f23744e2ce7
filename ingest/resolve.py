"""Each record read against what is known: new, updated, unchanged, or another record of the same paper.

Runs ahead of embedding and writing, so it also remembers what is decided but not yet written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ingest.identity import contradict, keys, merge, only_by_id, other_id, outranks, same_paper
from rag.protocols import Catalog
from rag.serialize import content_hash
from rag.types import Paper

Outcome = Literal["new", "updated", "unchanged", "duplicates"]

# More papers than this under one title cannot be told apart by it.
MOST_ALIKE = 20


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one record.

    Attributes:
        outcome: How the record is counted.
        paper: The paper as it is to be written; `None` where nothing changes.
        keys: What finds it again.
        absorbed: Ids of papers that turned out to be the same one and are to be deleted.
    """

    outcome: Outcome
    paper: Paper | None = None
    keys: tuple[str, ...] = ()
    absorbed: tuple[str, ...] = ()


class Resolver:
    """Decides record by record; one a run, used by one thread, told by another what is written."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._unwritten = _Known()

    def decide(self, records: Sequence[Paper]) -> Iterator[Decision]:
        """A decision for each record, in order; a decision already counts for the records after it."""
        # Copied before the catalog is asked: what is missing in the copy has been written, so the catalog has it.
        with self._lock:
            known = self._unwritten.copy()
        # Most of an ingest that is run again: the record as it is, told by its hash alone.
        hashes = self._catalog.hashes([record.id for record in records])
        exact = [r.id not in known.papers and hashes.get(r.id) == content_hash(r) for r in records]
        own = [() if is_exact else keys(record) for record, is_exact in zip(records, exact, strict=True)]
        self._load(known, own)
        for record, is_exact, own_keys in zip(records, exact, own, strict=True):
            if is_exact and known.papers.get(record.id, record) == record:
                outcome: Outcome = "duplicates" if record.id in self._seen else "unchanged"
                self._seen.add(record.id)
                yield Decision(outcome)
                continue
            if is_exact:  # changed by a record just before: still found by its id
                known.holders.setdefault(f"id:{record.id}", (record.id,))
            decision = self._decide(record, own_keys or keys(record), known)
            if decision.paper is not None:
                known.add(decision)
                with self._lock:
                    self._unwritten.add(decision)
            yield decision

    def _load(self, known: _Known, wanted: Iterable[tuple[str, ...]]) -> None:
        """Adds what the catalog knows of the papers with these keys."""
        found = self._catalog.find(list(dict.fromkeys(key for own in wanted for key in own)))
        # An id of its own is no likeness: the holders of an `id:` key are all looked at.
        found = {key: held if key.startswith("id:") else held[:MOST_ALIKE] for key, held in found.items()}
        ids = dict.fromkeys(paper_id for holders in found.values() for paper_id in holders)
        for paper_id, (paper, _) in self._catalog.get(list(ids)).items():
            known.papers.setdefault(paper_id, paper)
        for key, holders in found.items():
            known.holders[key] = (*known.holders.get(key, ()), *holders)

    def written(self, decisions: Iterable[Decision]) -> None:
        """These are in the index now."""
        with self._lock:
            for decision in decisions:
                self._unwritten.drop(decision)

    def _decide(self, record: Paper, own_keys: tuple[str, ...], known: _Known) -> Decision:
        same = [p for p in known.matches(record, own_keys) if not (p.id in self._seen and only_by_id(record, p))]
        if not same:
            if record.id in known.papers:
                record = replace(record, id=other_id(record))
            self._seen.add(record.id)
            return Decision("new", record, own_keys)
        first, *others = same
        again = first.id in self._seen
        self._seen.add(first.id)
        merged = _joined(record, first, replaces=not again)
        joined: list[Paper] = []
        for other in others:
            # A record that fits two papers which cannot be one says nothing about the second.
            if not contradict(merged, other):
                merged = _joined(other, merged, replaces=False)
                joined.append(other)
        others = joined
        if content_hash(merged) == content_hash(first) and not others:
            return Decision("duplicates" if again else _outcome(record, first))
        everything = [*own_keys, *keys(merged), *(key for other in others for key in keys(other))]
        absorbed = tuple(other.id for other in others)
        self._seen.update(absorbed)
        return Decision("duplicates" if again else "updated", merged, tuple(dict.fromkeys(everything)), absorbed)


class _Known:
    """Papers by id, and which of them have each key."""

    def __init__(self) -> None:
        self.papers: dict[str, Paper] = {}
        self.holders: dict[str, tuple[str, ...]] = {}

    def copy(self) -> _Known:
        copied = _Known()
        copied.papers, copied.holders = dict(self.papers), dict(self.holders)
        return copied

    def matches(self, record: Paper, own_keys: tuple[str, ...]) -> list[Paper]:
        """The papers that this record describes, the surest key's first."""
        found: dict[str, Paper] = {}
        for key in own_keys:
            for paper_id in self.holders.get(key, ()):
                paper = self.papers.get(paper_id)
                if paper is not None and paper_id not in found and same_paper(record, paper):
                    found[paper_id] = paper
        return list(found.values())

    def add(self, decision: Decision) -> None:
        assert decision.paper is not None
        paper_id = decision.paper.id
        self.papers[paper_id] = decision.paper
        for key in decision.keys:
            holders = self.holders.get(key, ())
            if paper_id not in holders:
                self.holders[key] = (*holders, paper_id)
        for gone in decision.absorbed:
            self.papers.pop(gone, None)

    def drop(self, decision: Decision) -> None:
        paper = decision.paper
        # A later decision on the same paper may still be waiting.
        if paper is None or self.papers.get(paper.id) is not paper:
            return
        del self.papers[paper.id]
        for key in decision.keys:
            rest = tuple(holder for holder in self.holders.get(key, ()) if holder != paper.id)
            if rest:
                self.holders[key] = rest
            else:
                self.holders.pop(key, None)


def _joined(record: Paper, known: Paper, *, replaces: bool) -> Paper:
    """One record of both. Between equals the newer replaces the older, within one run the first stays."""
    rank = outranks(record, known)
    better = rank if rank is not None else replaces
    return merge(record, known, known.id) if better else merge(known, record, known.id)


def _outcome(record: Paper, known: Paper) -> Outcome:
    # Our digest of a paper never takes the place of its abstract.
    return "duplicates" if record.kind == "digest" and known.kind == "abstract" else "unchanged"
