"""Data folders as questions to train on: clapnq, pubmedqa, scitldr and scifact's train part, read where they lie.

They are told by the fields of their queries. Sentences are those of `statement_spans`, so evidence given as text is
looked up in the passage; what cannot be found is left out. Ids of papers are the corpus's own, as `paperchat ingest`
keeps them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rag.errors import UsageError
from rag.injection import statement_spans
from rag.text import readable, searchable, terms
from rag.tuning.questions import Item, Place, Stated, rows

# Share of the rarer text's terms that a sentence must hold to be the one meant.
SAME = 0.8
# A written conclusion rests on the sentences that hold most of its words; fewer shared terms say nothing.
LEAST_SHARED = 0.2
MOST_EVIDENCE = 2


class Paper(NamedTuple):
    """What a question needs to know of a paper."""

    title: str
    text: str


def read(folder: Path) -> list[Item]:
    """The questions of a BEIR folder with evidence or answers.

    Raises:
        UsageError: It is no such folder.
    """
    queries = folder / "queries.jsonl"
    if not queries.is_file():
        raise UsageError(f"{folder} has no queries.jsonl. Give a file of questions or a data folder.")
    corpus = _corpus(folder)
    relevant = _relevant(folder)
    items = []
    for number, row in rows(queries):
        try:
            item = _item(row, corpus, relevant)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{queries}, line {number}: not a query of a known data set ({error}).") from error
        if item is not None:
            items.append(item)
    return items


def _item(row: Mapping[str, Any], corpus: Mapping[str, Paper], relevant: Mapping[str, list[str]]) -> Item | None:
    key, text = str(row["_id"]), str(row["text"])
    if "selected_sentences" in row:  # clapnq
        return _clapnq(key, text, row, corpus)
    if "evidence" in row:  # scifact
        return _scifact(key, text, row, corpus) if row.get("split") == "train" else None
    gold = [paper_id for paper_id in relevant.get(key, []) if paper_id in corpus]
    if not gold:
        return None
    if "answer" in row and row.get("split") != "test":  # pubmedqa: the conclusion is not in the corpus
        return _quoting(key, "yesno", text, _nearest(str(row["answer"]), gold[0], corpus[gold[0]].text, finding=text))
    if "source" in row and (title := corpus[gold[0]].title):  # scitldr: a summary is asked for
        places = _nearest(text, gold[0], corpus[gold[0]].text)
        return _quoting(key, "summary", f"What does the paper “{title}” do?", places[:1], text)
    return None


def _clapnq(key: str, text: str, row: Mapping[str, Any], corpus: Mapping[str, Paper]) -> Item | None:
    passage = str(row["passage_id"])
    if row.get("label") != "answerable":
        return Item(key, "unanswerable", text, (), (passage,), ())
    chosen = row["selected_sentences"] or []
    # One list for each annotator; the first is the one its answer was written from.
    wanted = chosen[0] if chosen and isinstance(chosen[0], list) else chosen
    held = corpus[passage].text if passage in corpus else ""
    places = [place for sentence in wanted if (place := _same(str(sentence), passage, held))]
    return _quoting(key, "fact", text, list(dict.fromkeys(places)))


def _scifact(key: str, text: str, row: Mapping[str, Any], corpus: Mapping[str, Paper]) -> Item | None:
    stated = []
    for paper_id, told in row["evidence"].items():
        spans = statement_spans(corpus[paper_id].text) if paper_id in corpus else []
        for sentence in (told["rationale_sentences"] or [[]])[0]:
            if 0 <= int(sentence) < len(spans):
                stated.append((str(paper_id), int(sentence)))
    return _quoting(key, "yesno", f"Is it true that {text[:1].lower()}{text[1:].rstrip('.')}?", stated[:3])


def _quoting(key: str, kind: str, question: str, places: list[Place], written: str = "") -> Item | None:
    if not places:
        return None
    answer = (Stated(written, tuple(places)),) if written else tuple(Stated("", (place,)) for place in places)
    return Item(key, kind, question, (), tuple(dict.fromkeys(p for p, _ in places)), answer)


def _same(sentence: str, paper_id: str, text: str) -> Place | None:
    """The sentence of `text` that holds nearly all of a sentence cut by somebody else's rules."""
    said = set(terms(searchable(sentence)))
    best: tuple[float, int] = (0.0, 0)
    for place, (start, end) in enumerate(statement_spans(text)):
        held = set(terms(searchable(text[start:end])))
        smaller = min(len(said), len(held)) or 1
        best = max(best, (len(said & held) / smaller, -place))
    return (paper_id, -best[1]) if best[0] >= SAME else None


def _nearest(answer: str, paper_id: str, text: str, *, finding: str | None = None) -> list[Place]:
    """The sentences that hold most of an answer's terms, in reading order; none where all hold little.

    Args:
        answer: What was written from them.
        paper_id: Of the paper.
        text: Its abstract.
        finding: The question, where the answer is what was found: its own words then count for nothing and the first
            half of the abstract is left out, because the sentence that shares most with it says what was to be found.
    """
    said = set(terms(searchable(answer))) - set(terms(searchable(finding or "")))
    spans = statement_spans(text)
    shares = [len(said & set(terms(searchable(text[a:b])))) / (len(said) or 1) for a, b in spans]
    places = range(0 if finding is None else len(spans) // 2, len(spans))
    best = sorted(places, key=lambda i: -shares[i])[:MOST_EVIDENCE]
    return [(paper_id, i) for i in sorted(best) if shares[i] >= LEAST_SHARED]


def _corpus(folder: Path) -> dict[str, Paper]:
    """Title and abstract by id, as an ingest of the corpus reads them."""
    for name, opened in (("corpus.jsonl", open), ("corpus.jsonl.gz", gzip.open)):
        if (folder / name).is_file():
            with opened(folder / name, "rt", encoding="utf-8") as lines:
                found = (json.loads(line) for line in lines if line.strip())
                return {str(r["_id"]): Paper(readable(r.get("title") or ""), readable(r["text"])) for r in found}
    raise UsageError(f"{folder} has no corpus.jsonl and no corpus.jsonl.gz. Give a BEIR folder.")


def _relevant(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            query, paper_id, value = line.split("\t")
            if int(value) > 0:
                found.setdefault(query, []).append(paper_id)
    return found
