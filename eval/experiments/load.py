"""Data sets for the experiments, told by their content: given passages, BEIR with answers, the user's questions."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from eval import datasets
from eval.answers import folded
from eval.experiments.items import Item, Measure, Passage, Task
from eval.experiments.scoring import REFUTES, SUPPORTS
from eval.trec import numbered_lines
from rag.errors import SourceError, UsageError
from rag.index import Index

LONG_REFERENCE = 8
"""References of more words than this (their median) are not looked for as strings but compared by ROUGE-L."""
_LABELS = {"support": SUPPORTS, "supports": SUPPORTS, "contradict": REFUTES, "refute": REFUTES, "refutes": REFUTES}
KINDS = (
    "Give a BEIR folder whose queries have answers or verdicts (corpus.jsonl, queries.jsonl, qrels/), a JSON lines "
    "file with question, answers, gold and distractors (as lost_in_the_middle), or a file of your own questions with "
    "question, gold and facts over your --index."
)

Record = Mapping[str, Any]


def load(data: Path, split: str | None, cache: Path, open_index: Callable[[], Index]) -> Task:
    """Reads a data set.

    Args:
        data: Folder or file.
        split: Which judgements of a BEIR folder.
        cache: Where the pool of given passages is written as a corpus.
        open_index: Opens the user's own index, where `data` is a file of questions over it.

    Raises:
        UsageError: There is nothing there, or it is of no known kind.
        SourceError: A line is not what its file promises.
        PaperIndexError: The index of the questions cannot be opened.
    """
    if not data.exists():
        raise UsageError(f"There is no {data}. {KINDS}")
    if data.is_dir() and any((data / f"corpus.jsonl{end}").is_file() for end in ("", ".gz")):
        return _beir(data, split)
    path = _only_file(data) if data.is_dir() else data
    if split is not None:
        raise UsageError("--split is for BEIR folders. Leave it out.")
    records = list(_records(path))
    first = records[0][1]
    if "distractors" in first and "gold" in first:
        return _given(path, records, cache)
    if "question" in first and "gold" in first:
        return _own(path, records, open_index())
    raise UsageError(f"{path} is of no known kind: its records have {', '.join(sorted(first))}. {KINDS}")


def sampled(task: Task, limit: int | None, seed: int) -> tuple[Item, ...]:
    """At most `limit` items, drawn by hash: a larger sample holds the smaller one."""
    drawn = sorted(task.items, key=lambda item: datasets.hashed(f"{seed}:{item.id}"))
    return tuple(drawn[:limit])


def _only_file(folder: Path) -> Path:
    files = sorted(path for path in folder.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))
    if len(files) == 1:
        return files[0]
    held = f"{len(files)} JSON lines files" if files else "no corpus.jsonl and no JSON lines file"
    raise UsageError(f"{folder} holds {held}. {'Name one of them.' if files else KINDS}")


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    empty = True
    for number, line in numbered_lines(path):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise SourceError(f"{path}, line {number}: not JSON ({error}). {KINDS}") from error
        if not isinstance(record, dict):
            raise SourceError(f"{path}, line {number}: not a JSON object. {KINDS}")
        empty = False
        yield number, record
    if empty:
        raise SourceError(f"{path} is empty. {KINDS}")


def _passage(record: object, where: str) -> Passage:
    if not isinstance(record, dict) or not isinstance(record.get("text"), str) or not record["text"].strip():
        raise SourceError(f'{where}: a passage without text. A passage looks like {{"title": "...", "text": "..."}}.')
    title, text = str(record.get("title") or ""), record["text"]
    own = sha256(f"{title}\0{text}".encode()).hexdigest()[:16]
    return Passage(_id(record) or f"p{own}", title, text)


def _id(record: Record) -> str:
    """Its own id, which may be 0; empty where it has none."""
    return next((str(value) for value in (record.get("_id"), record.get("id")) if value not in (None, "")), "")


def _strings(value: object, where: str, what: str) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(entry, str) for entry in found):
        raise SourceError(f"{where}: {what} is neither a text nor a list of texts. Correct it.")
    return tuple(entry for entry in found if entry.strip())


def measure_of(items: tuple[Item, ...]) -> Measure:
    """Verdicts for claims, facts where they are expected, else containment or, for long references, ROUGE-L."""
    if all(item.label for item in items):
        return "label"
    if all(item.facts for item in items):
        return "facts"
    if not all(item.answers for item in items):
        raise SourceError(f"Claims with verdicts and questions with answers are not scored alike. {KINDS}")
    shortest = [min(len(answer.split()) for answer in item.answers) for item in items]
    return "containment" if statistics.median(shortest) <= LONG_REFERENCE else "rouge_l"


def _task(name: str, items: list[Item], corpus: Path | None, left_out: Mapping[str, int]) -> Task:
    if not items:
        reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        raise SourceError(f"{name} has no question that can be scored ({reasons or 'no question at all'}). {KINDS}")
    notes = [f"{count:,} {reason} are left out." for reason, count in left_out.items() if count]
    return Task(name, measure_of(tuple(items)), tuple(items), corpus, " ".join(notes))


# --- questions with their passages ----------------------------------------------------------------


def _given(path: Path, records: list[tuple[int, dict[str, Any]]], cache: Path) -> Task:
    items: list[Item] = []
    for number, record in records:
        where = f"{path}, line {number}"
        question = record.get("question")
        if not isinstance(question, str) or not question.strip():
            raise SourceError(f"{where}: no question. A line has question, answers, gold and distractors.")
        gold_records = record.get("gold")
        gold = tuple(
            _passage(one, where) for one in (gold_records if isinstance(gold_records, list) else [gold_records])
        )
        others = record.get("distractors")
        if not gold or not isinstance(others, list):
            raise SourceError(f"{where}: no gold passage or no list of distractors. A line has both.")
        answers = _strings(record.get("answers") or record.get("answer") or (), where, "answers")
        if not answers:
            raise SourceError(f"{where}: no answer. A line has question, answers, gold and distractors.")
        item_id = _id(record) or str(number)
        distractors = tuple(_passage(one, where) for one in others)
        items.append(Item(item_id, question, gold, answers, given=(*gold, *distractors)))
    _unique(items, path)
    name = path.parent.name if path.parent.name else path.name
    return _task(name, items, _pool(items, cache), {})


def _unique(items: list[Item], path: Path) -> None:
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        twice = next(one for place, one in enumerate(ids) if one in ids[:place])
        raise SourceError(f"{path} has the id {twice!r} twice. Give every question its own.")


def _pool(items: list[Item], cache: Path) -> Path:
    """All passages of the file as a BEIR corpus, written once, so that they can be retrieved from."""
    passages: dict[str, Passage] = {}
    for passage in (passage for item in items for passage in item.given):
        if passages.setdefault(passage.id, passage) != passage:
            raise SourceError(
                f"The passage id {passage.id!r} stands for two texts. Give each text an id of its own, or none."
            )
    rows = [json.dumps({"_id": p.id, "title": p.title, "text": p.text}, ensure_ascii=False) for p in passages.values()]
    text = "\n".join(rows) + "\n"
    path = cache / "pools" / sha256(text.encode()).hexdigest()[:12] / "corpus.jsonl"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name("corpus.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return path


# --- BEIR folders -------------------------------------------------------------------------------


def _beir(folder: Path, split: str | None) -> Task:
    def silent(what: str, items: Any, total: int) -> Iterator[Any]:
        yield from items

    dataset = datasets.load(str(folder), split, folder, silent)
    rows: dict[str, Record] = {str(row.get("_id")): row for _, row in _records(datasets.beir_file(folder, "queries"))}
    wanted: dict[str, tuple[tuple[str, ...], Record]] = {}
    left_out = {"claims without evidence": 0, "questions without an answer": 0, "questions whose passage is missing": 0}
    for query in dataset.queries:
        row = rows[query]
        if _is_claim(row):
            gold = tuple(str(key) for key in row["evidence"])
            if _LABELS.get(str(row.get("label") or "").lower()) is None or not gold:
                left_out["claims without evidence"] += 1
                continue
        else:
            gold = tuple(key for key, value in dataset.qrels[query].items() if value > 0)
            if not gold or not _strings(row.get("answers") or row.get("answer") or (), f"{folder}, {query}", "answers"):
                left_out["questions without an answer"] += 1
                continue
        wanted[query] = gold, row
    corpus = datasets.beir_file(folder, "corpus")
    ids = {key for gold, _ in wanted.values() for key in gold}
    found = {str(row.get("_id")): row for _, row in _records(corpus) if str(row.get("_id")) in ids}
    items: list[Item] = []
    for query, (gold, row) in wanted.items():
        there = tuple(_passage(found[key], f"{corpus}, {key}") for key in gold if key in found)
        if there:
            items.append(_beir_item(query, row, there, dataset.qrels[query]))
        else:
            left_out["questions whose passage is missing"] += 1
    return _task(f"{folder.name}, {dataset.split}", items, corpus, left_out)


def _is_claim(row: Record) -> bool:
    return isinstance(row.get("evidence"), dict)


def _beir_item(query: str, row: Record, gold: tuple[Passage, ...], judged: Mapping[str, int]) -> Item:
    related = frozenset(judged) | frozenset(map(str, row.get("cited_doc_ids") or ()))
    if _is_claim(row):
        return Item(query, row["text"], gold, label=_LABELS[row["label"].lower()], related=related)
    answers = _strings(row.get("answers") or row.get("answer"), f"queries.jsonl, {query}", "answers")
    return Item(query, row["text"], gold, answers, related=related)


# --- the user's own questions -------------------------------------------------------------------


def _own(path: Path, records: list[tuple[int, dict[str, Any]]], index: Index) -> Task:
    held = list(index.catalog.papers())
    titles = {folded(paper.title): paper for paper in held}
    ids = {paper.id: paper for paper in held}
    items: list[Item] = []
    left_out = {"questions without expected facts or gold papers": 0, "questions whose papers are not in the index": 0}
    for number, record in records:
        gold, facts = record.get("gold"), record.get("facts")
        if not isinstance(gold, list) or not isinstance(record.get("question"), str):
            raise SourceError(f"{path}, line {number}: no question or no list gold. See eval/questions/README.md.")
        # A follow-up cannot be read without its conversation, which a single context does not hold.
        if not gold or not facts or record.get("history"):
            left_out["questions without expected facts or gold papers"] += 1
            continue
        named = (ids.get(name) or titles.get(folded(name)) for name in map(str, gold))
        found = dict.fromkeys(paper for paper in named if paper)
        if not found:
            left_out["questions whose papers are not in the index"] += 1
            continue
        passages = tuple(Passage(paper.id, paper.title, paper.abstract) for paper in found)
        wordings = tuple(_strings(fact, f"{path}, line {number}", "a fact") for fact in facts)
        items.append(Item(_id(record) or str(number), record["question"], passages, facts=wordings))
    _unique(items, path)
    return _task(path.stem, items, None, left_out)
