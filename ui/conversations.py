"""Conversations that outlive the page and the program: listed, searched, renamed, deleted, restored."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from rag.record import answer_from_record, answer_to_record
from rag.types import Answer
from ui.userdata import Database

State = Literal["done", "writing", "incomplete", "failed"]
"""`incomplete`: whoever wrote it was cut off, by a crash, a restart, or a reader who left."""

TITLE_LENGTH = 80
LISTED = 300


@dataclass(frozen=True, slots=True)
class Summary:
    """A line of the list. `updated` is a POSIX time."""

    id: str
    title: str
    updated: float
    turns: int


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A question and what came of it.

    Attributes:
        question: As it was asked.
        state: How far the answer came.
        answer: As far as it came.
        words: An error in one sentence, where there was one.
        asked: When; a POSIX time.
        thumb: 1 or -1; 0 where it was not rated.
        comment: Of the reader.
        position: In its conversation, in the order of asking; there may be gaps.
    """

    question: str
    state: State
    answer: Answer | None
    words: str = ""
    asked: float = 0.0
    thumb: int = 0
    comment: str = ""
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole conversation, oldest turn first."""

    id: str
    title: str
    created: float
    updated: float
    turns: tuple[StoredTurn, ...]


class Conversations:
    """What is kept of every reader's conversations. `owner` is asked for everywhere: nobody sees another's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, owner: str, search: str = "") -> list[Summary]:
        """The latest first; with `search` those that hold all its words in title, questions or answers."""
        query = (
            "SELECT c.id, c.title, c.updated, (SELECT count(*) FROM turns t WHERE t.conversation = c.id) AS turns "
            "FROM conversations c WHERE c.owner = ?"
        )
        values: list[Any] = [owner]
        for word in search.split():
            query += (
                " AND (folded(c.title) LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.id"
                " AND (folded(t.question) LIKE ? ESCAPE '\\' OR folded(t.words) LIKE ? ESCAPE '\\')))"
            )
            values += [_like(word.casefold())] * 3
        with self._database.connection() as connection:
            rows = connection.execute(f"{query} ORDER BY c.updated DESC LIMIT {LISTED}", values).fetchall()
        return [Summary(row["id"], row["title"], row["updated"], row["turns"]) for row in rows]

    def get(self, owner: str, conversation: str) -> Conversation | None:
        """The conversation, if it exists and is this owner's."""
        with self._database.connection() as connection:
            head = connection.execute(
                "SELECT * FROM conversations WHERE id = ? AND owner = ?", (conversation, owner)
            ).fetchone()
            if head is None:
                return None
            rows = connection.execute(
                "SELECT * FROM turns WHERE conversation = ? ORDER BY position", (conversation,)
            ).fetchall()
        turns = tuple(self._turn(row) for row in rows)
        return Conversation(head["id"], head["title"], head["created"], head["updated"], turns)

    def begin(
        self, owner: str, conversation: str | None, question: str, *, replacing: int | None = None
    ) -> tuple[str, int]:
        """Notes that an answer is being written.

        Args:
            owner: Whose conversation.
            conversation: Which; `None` begins one.
            question: As it was asked.
            replacing: What stands at this position and after it is gone; `None`: the question comes last, also
                behind what was asked in another window meanwhile.

        Returns:
            The conversation's id, a new one where it was deleted in the meantime, and the question's position in it.
        """
        now = time.time()
        with self._database.connection() as connection:
            known = connection.execute(
                "SELECT 1 FROM conversations WHERE id = ? AND owner = ?", (conversation, owner)
            ).fetchone()
            if conversation is None or known is None:
                conversation = uuid.uuid4().hex
                connection.execute(
                    "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                    (conversation, owner, titled(question), now, now),
                )
            if replacing is not None:
                connection.execute(
                    "DELETE FROM turns WHERE conversation = ? AND position >= ?", (conversation, replacing)
                )
            (position,) = connection.execute(
                "SELECT coalesce(max(position) + 1, 0) FROM turns WHERE conversation = ?", (conversation,)
            ).fetchone()
            connection.execute(
                "INSERT INTO turns (conversation, position, question, state, writer, asked)"
                " VALUES (?, ?, ?, 'writing', ?, ?)",
                (conversation, position, question, self._database.writer, now),
            )
            connection.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, conversation))
        return conversation, position

    def keep(
        self, owner: str, conversation: str, position: int, state: State, answer: Answer | None, words: str = ""
    ) -> None:
        """Notes how far an answer has come. A conversation deleted meanwhile stays deleted."""
        record = None if answer is None else json.dumps(answer_to_record(answer), ensure_ascii=False)
        with self._database.connection() as connection:
            connection.execute(
                "UPDATE turns SET state = ?, answer = ?, words = ? WHERE conversation = ? AND position = ?"
                " AND conversation IN (SELECT id FROM conversations WHERE owner = ?)",
                (state, record, words or (answer.text if answer else ""), conversation, position, owner),
            )

    def rename(self, owner: str, conversation: str, title: str) -> None:
        """Gives it another title; an empty one changes nothing."""
        if title := titled(title):
            with self._database.connection() as connection:
                connection.execute(
                    "UPDATE conversations SET title = ? WHERE id = ? AND owner = ?", (title, conversation, owner)
                )

    def delete(self, owner: str, conversation: str) -> None:
        """Removes it with everything in it."""
        with self._database.connection() as connection:
            connection.execute("DELETE FROM conversations WHERE id = ? AND owner = ?", (conversation, owner))

    def rate(self, owner: str, conversation: str, position: int, thumb: int, comment: str) -> None:
        """Notes what the reader thought of an answer: 1, -1, or 0 to take it back."""
        with self._database.connection() as connection:
            connection.execute(
                "UPDATE turns SET thumb = ?, comment = ? WHERE conversation = ? AND position = ?"
                " AND conversation IN (SELECT id FROM conversations WHERE owner = ?)",
                (max(-1, min(1, thumb)), comment.strip()[:4000], conversation, position, owner),
            )

    def rated(self, owner: str) -> Iterator[tuple[Conversation, int]]:
        """Conversations with the place, among their turns, of each answer that was rated, oldest first."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT t.conversation, t.position FROM turns t JOIN conversations c ON c.id = t.conversation"
                " WHERE c.owner = ? AND (t.thumb != 0 OR t.comment != '') ORDER BY t.asked",
                (owner,),
            ).fetchall()
        for row in rows:
            conversation = self.get(owner, row["conversation"])
            places = [turn.position for turn in conversation.turns] if conversation else []
            if conversation is not None and row["position"] in places:  # not deleted meanwhile
                yield conversation, places.index(row["position"])

    def _turn(self, row: Any) -> StoredTurn:
        state: State = row["state"]
        if state == "writing" and row["writer"] != self._database.writer:
            state = "incomplete"
        answer, words = None, row["words"]
        if row["answer"] is not None:
            try:
                answer = answer_from_record(json.loads(row["answer"]))
            except ValueError as error:
                state, words = "failed", f"This answer could not be restored ({error})."
        shown = words if answer is None else ""
        rating = row["thumb"], row["comment"]
        return StoredTurn(row["question"], state, answer, shown, row["asked"], *rating, row["position"])


def titled(question: str) -> str:
    """A title for a conversation that begins with this question."""
    text = " ".join(question.split())
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1].rstrip() + "…"


def cut_off(answer: Answer) -> Answer:
    """An answer that was not finished, marked as such."""
    return replace(answer, stopped=True)


def _like(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
