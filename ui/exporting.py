"""`paperchat export`: papers of the index for other programs, or a conversation of the page, or its ratings."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from ingest.export import FORMATS
from rag import build
from rag.config import Config
from rag.errors import PaperchatError, UsageError
from rag.files import whole_text
from ui import transcript
from ui.collection import papers_named
from ui.conversations import Conversation, Conversations
from ui.userdata import Database

LATEST = "latest"


def run(config: Config, paper_ids: Sequence[str], form: str | None, output: Path | None) -> None:
    """Writes papers, all of them where none is named."""
    form = _known(form or "jsonl", FORMATS)
    catalog = build.open_catalog(config)
    _write(FORMATS[form](papers_named(catalog, paper_ids) if paper_ids else catalog.papers()), output)


def run_conversation(config: Config, conversation: str, form: str | None, output: Path | None, user: str) -> None:
    """Writes a conversation of the page, or the papers it cites."""
    form = _known(form or "markdown", transcript.FORMS)
    _write([transcript.conversation(_found(_kept(config), user, conversation), form)], output)


def run_feedback(config: Config, output: Path | None, user: str) -> None:
    """Writes rated answers as questions to measure with."""
    _write([transcript.evaluation_set(_kept(config).rated(user))], output)


def _kept(config: Config) -> Conversations:
    if not config.conversations.exists():
        raise UsageError(f"No conversations are kept in {config.conversations}. Ask something on the page first.")
    return Conversations(Database(config.conversations))


def _found(kept: Conversations, user: str, wanted: str) -> Conversation:
    """By id, by the beginning of one, by title, or the latest.

    Raises:
        UsageError: There is none, or there are several.
    """
    listed = kept.listed(user)
    matching = listed[:1] if wanted == LATEST else [c for c in listed if c.id.startswith(wanted) or c.title == wanted]
    found = kept.get(user, matching[0].id) if len(matching) == 1 else kept.get(user, wanted)
    if found is None:
        known = "; ".join(f"{c.id[:8]} {c.title!r}" for c in listed[:5]) or "none"
        raise UsageError(f"{wanted!r} names no one conversation. Give an id or '{LATEST}'; the last ones are: {known}.")
    return found


def _known(form: str, forms: Iterable[str]) -> str:
    if form not in forms:
        raise UsageError(f"Unknown format {form!r}. Choose one of {', '.join(forms)}.")
    return form


def _write(pieces: Iterable[str], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        with whole_text(output, newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise PaperchatError(f"{output} cannot be written ({error.strerror or error}). Give another file.") from error
    typer.echo(f"Wrote {output}.", err=True)
