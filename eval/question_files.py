"""Questions and what their answers should hold: our JSON lines, or a BEIR folder with reference answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from eval.answers import read_jsonl
from eval.datasets import UNANSWERABLE, beir_file
from eval.trec import read_qrels
from rag.errors import UsageError

log = logging.getLogger(__name__)

LINE = (
    'A line looks like {"id": "1", "kind": "fact", "question": "...", "gold": ["paper id or title"], '
    '"facts": [["wording"]]}.'
)


def read(source: Path) -> list[dict[str, Any]]:
    """Questions with `id`, `kind`, `question`, `history`, `gold` and `facts`, perhaps `references` and `marked`.

    Of a BEIR folder a query's `label` is its kind, `answers` or `answer` its references and `selected_sentences` the
    sentences marked as evidence. Judgements of all splits count. What has none is left out, unless its label is
    `unanswerable`.

    Raises:
        UsageError: The file or folder cannot be read, or holds no question.
        SourceError: A file of the folder is not in its format.
    """
    questions = _from_beir(source) if source.is_dir() else read_jsonl(source)
    ids: set[str] = set()
    for number, question in enumerate(questions, start=1):
        _check(question, f"{source}, question {number}")
        if str(question["id"]) in ids:
            raise UsageError(f"{source} has the id {str(question['id'])!r} twice. Give every question its own.")
        ids.add(str(question["id"]))
    if not questions:
        raise UsageError(f"{source} holds no question. Write one JSON object a line.")
    return questions


def _check(question: dict[str, Any], where: str) -> None:
    """Brings one question into the form that is scored."""
    if missing := sorted({"id", "gold"} - question.keys()):
        raise UsageError(f"{where} has no {missing[0]!r}. {LINE}")
    facts = question.get("facts") or []
    if not isinstance(question["gold"], list) or not isinstance(facts, list):
        raise UsageError(f"{where}: gold or facts is no list. {LINE}")
    question["gold"] = [str(name) for name in question["gold"]]
    # A fact with one wording may be written without brackets.
    question["facts"] = [[str(w) for w in fact] if isinstance(fact, list) else [str(fact)] for fact in facts]
    question["kind"] = str(question.get("kind") or "question")


def _from_beir(folder: Path) -> list[dict[str, Any]]:
    gold: dict[str, list[str]] = {}
    for split in sorted((folder / "qrels").glob("*.tsv")):
        for query, judged in read_qrels(split).items():
            gold.setdefault(query, []).extend(document for document, value in judged.items() if value > 0)
    if not gold:
        raise UsageError(
            f"{folder} has no judgements. Give a BEIR folder with qrels/SPLIT.tsv, or a file of questions."
        )
    questions: list[dict[str, Any]] = []
    skipped = 0
    for number, row in enumerate(read_jsonl(beir_file(folder, "queries")), start=1):
        try:
            name, text = str(row["_id"]), str(row["text"])
        except KeyError as error:
            raise UsageError(f'{folder}, query {number} has no {error}. It needs "_id" and "text".') from error
        if not gold.get(name) and row.get("label") != UNANSWERABLE:
            skipped += 1
            continue
        question = {"id": name, "kind": row.get("label"), "question": text, "gold": gold.get(name, [])}
        if question["gold"]:
            question["references"] = list(_texts(row.get("answers") or row.get("answer")))
            question["marked"] = list(_texts(row.get("selected_sentences")))
        questions.append(question)
    if skipped:
        log.warning("%s: %d queries without a judgement are left out.", folder, skipped)
    return questions


def _texts(value: Any) -> Iterator[str]:
    """Every text in a text, a list of texts or lists of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_texts, value))
