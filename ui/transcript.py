"""An answer or a conversation to take along: Markdown, JSON, and the cited papers as BibTeX or RIS.

Each says with which question, model and index it was made, so that an answer can be made again.
Pure functions; texts from papers are escaped, so that a Markdown reader shows them and fetches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from ingest.export import FORMATS, ris
from rag.serialize import answer_to_dict
from rag.types import Answer, NumberedPassage, Paper, Sentence
from ui import cards, texts
from ui.conversations import Conversation, StoredTurn

FORMS = ("markdown", "json", "bibtex", "ris")
ENDINGS = {"markdown": "md", "json": "json", "bibtex": "bib", "ris": "ris"}
_IN_ADDRESSES = ":/?#@&=+,;%~"
_SPECIAL = "\\`*_{}[]<>|#!~&$"


def answer_markdown(answer: Answer) -> str:
    """The answer with its numbers, its references, and what it was made with."""
    parts = [_body(answer)]
    if answer.cited:
        parts.append("\n".join(_reference(passage) for passage in answer.cited))
    parts.append(f"<sub>{escaped(made_with(answer))}</sub>")
    return "\n\n".join(parts) + "\n"


def conversation(value: Conversation, form: str) -> str:
    """The whole conversation in one of `FORMS`; a bibliography holds every cited paper once."""
    if form == "markdown":
        return _markdown(value)
    if form == "json":
        return json.dumps(_plain(value), ensure_ascii=False, indent=1) + "\n"
    return "".join(_bibliography([turn.answer for turn in value.turns if turn.answer], form))


def evaluation_set(rated: Iterable[tuple[Conversation, int]]) -> str:
    """Rated answers as lines that `paperchat ask --input` and an evaluation read.

    A question that was answered well names the cited papers as `gold`; `feedback` holds thumb and comment.
    """
    rows = []
    for value, position in rated:
        turn = value.turns[position]
        before = [[t.question, t.answer.text] for t in value.turns[:position] if t.answer]
        row: dict[str, object] = {
            "id": f"{value.id[:12]}-{position}",
            "question": turn.question,
            "history": before,
            "feedback": {"thumb": turn.thumb, "comment": turn.comment},
        }
        if turn.thumb > 0 and turn.answer:
            row["gold"] = [passage.paper.id for passage in turn.answer.cited]
        if turn.answer:
            row |= {"answer": turn.answer.text, "model": turn.answer.model, "index": turn.answer.index.version}
        rows.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(rows)


def made_with(answer: Answer) -> str:
    """What it takes to make the answer again, in one line."""
    parts = [f"Question: {' '.join(answer.question.split())}"]
    if answer.standalone_question.strip() != answer.question.strip():
        parts.append(f"searched for: {' '.join(answer.standalone_question.split())}")
    parts += [f"model: {answer.model}", f"index: {answer.index.version} ({answer.index.papers} papers)"]
    return " · ".join(parts)


def escaped(text: str) -> str:
    """Text that a Markdown reader shows as it is."""
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in " ".join(text.split()))


def _markdown(value: Conversation) -> str:
    parts = [f"# {escaped(value.title)}", f"*{_day(value.created)}*"]
    for turn in value.turns:
        parts.append(f"## {escaped(turn.question)}")
        if turn.state == "incomplete":
            parts.append(f"*{texts.INCOMPLETE_NOTE}*")
        parts.append(answer_markdown(turn.answer).rstrip() if turn.answer else escaped(turn.words))
    return "\n\n".join(part for part in parts if part) + "\n"


def _body(answer: Answer) -> str:
    if answer.refusal is not None:
        return "\n".join([escaped(answer.refusal.message), *(f"- {escaped(p.title)}" for p in answer.refusal.nearest)])
    written = " ".join(_sentence(sentence) for sentence in answer.sentences if not sentence.quoted)
    quoted = [f"> {_sentence(sentence)}" for sentence in answer.sentences if sentence.quoted]
    return "\n\n".join([written, *quoted] if written else quoted)


def _sentence(sentence: Sentence) -> str:
    text = f"“{escaped(sentence.text)}”" if sentence.quoted else escaped(sentence.text)
    text = f"**{escaped(sentence.lead)}:** {text}" if sentence.lead else text
    weak = f" *({texts.WEAKLY_SUPPORTED})*" if sentence.support.verdict.value == "weak" else ""
    return f"{text} {''.join(f'[{number}]' for number in sentence.citations)}".rstrip() + weak


def _reference(passage: NumberedPassage) -> str:
    # An address may be anything; what is left of it is harmless, and cannot end the link it stands in.
    url = cards.safe_url(passage.paper)
    date = passage.paper.date if (passage.paper.date or "")[:4].isdecimal() else None
    paper = replace(passage.paper, url=quote(url, safe=_IN_ADDRESSES) if url else None, date=date)
    (line,) = FORMATS["markdown"]([paper])
    return f"[{passage.number}] {line.removeprefix('- ').strip()}  "


def _plain(value: Conversation) -> dict[str, object]:
    return {
        "id": value.id,
        "title": value.title,
        "created": _instant(value.created),
        "turns": [_turn(turn) for turn in value.turns],
    }


def _turn(turn: StoredTurn) -> dict[str, object]:
    return {
        "asked": _instant(turn.asked),
        "question": turn.question,
        "state": turn.state,
        "answer": answer_to_dict(turn.answer) if turn.answer else None,
        "error": turn.words or None,
        "feedback": {"thumb": turn.thumb, "comment": turn.comment},
    }


def _bibliography(answers: Sequence[Answer], form: str) -> Iterator[str]:
    papers: dict[str, Paper] = {}
    notes: dict[str, list[str]] = {}
    for answer in answers:
        for passage in answer.cited:
            papers.setdefault(passage.paper.id, passage.paper)
            notes.setdefault(passage.paper.id, []).append(made_with(answer))
    if form == "ris":  # It knows no comments: each record says which answers cite it.
        yield from ris(papers.values(), notes)
        return
    # What stands outside an entry is a comment.
    yield from (f"% {made_with(answer).replace('@', '(at)')}\n" for answer in answers)
    yield "\n" if answers else ""
    yield from FORMATS[form](papers.values())


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _day(seconds: float) -> str:
    return _instant(seconds)[:10]
