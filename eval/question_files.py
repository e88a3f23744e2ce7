"""Questions and what their answers should hold: our JSON lines, or a BEIR folder with reference answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from eval.answers import read_jsonl
from eval.datasets import beir_file
from eval.trec import read_qrels
from rag.errors import UsageError


def read(source: Path) -> list[dict[str, Any]]:
    """Questions with `id`, `kind`, `question`, `history`, `gold` and `facts`, perhaps `references` and `marked`.

    Of a BEIR folder a query's `label` is its kind, `answers` or `answer` its references and `selected_sentences` the
    sentences marked as evidence; judgements of all splits count, and a query without any is one that no paper answers.

    Raises:
        UsageError: The file or folder cannot be read, or holds no question.
        SourceError: A file of the folder is not in its format.
    """
    questions = _from_beir(source) if source.is_dir() else read_jsonl(source)
    for number, question in enumerate(questions, start=1):
        if missing := sorted({"id", "gold"} - question.keys()):
            raise UsageError(
                f"{source}, question {number} has no {missing[0]!r}. A line looks like "
                '{"id": "1", "kind": "fact", "question": "...", "gold": ["paper id or title"], "facts": [["wording"]]}.'
            )
        question.setdefault("kind", "question")
        question.setdefault("facts", [])
    if not questions:
        raise UsageError(f"{source} holds no question. Write one JSON object a line.")
    return questions


def _from_beir(folder: Path) -> list[dict[str, Any]]:
    gold: dict[str, list[str]] = {}
    for split in sorted((folder / "qrels").glob("*.tsv")):
        for query, judged in read_qrels(split).items():
            gold.setdefault(query, []).extend(document for document, value in judged.items() if value > 0)
    if not gold:
        raise UsageError(
            f"{folder} has no judgements. Give a BEIR folder with qrels/SPLIT.tsv, or a file of questions."
        )
    questions = []
    for number, row in enumerate(read_jsonl(beir_file(folder, "queries")), start=1):
        try:
            name, text = str(row["_id"]), str(row["text"])
        except KeyError as error:
            raise UsageError(f'{folder}, query {number} has no {error}. It needs "_id" and "text".') from error
        question: dict[str, Any] = {"id": name, "question": text, "gold": gold.get(name, [])}
        question["kind"] = str(row.get("label") or "question")
        if question["gold"]:
            question["references"] = list(_texts(row.get("answers") or row.get("answer")))
            question["marked"] = list(_texts(row.get("selected_sentences")))
        questions.append(question)
    return questions


def _texts(value: Any) -> Iterator[str]:
    """Every text in a text, a list of texts or lists of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_texts, value))


def write(questions: list[dict[str, Any]], path: Path) -> None:
    """Keeps questions as the JSON lines that `paperchat ask --input` reads."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in questions), encoding="utf-8")
