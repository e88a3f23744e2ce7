"""The file in which the page keeps what belongs to its readers: one SQLite database beside the index.

`Database` is the file; `ui.conversations`, `ui.feedback` and `ui.preferences` are what is in it. Every row has
an owner, the name somebody logged in with, or `LOCAL` where nobody has to, and every query names one.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import PaperchatError

LOCAL = ""
SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS conversations_of ON conversations (owner, updated);
CREATE TABLE IF NOT EXISTS turns (
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    question TEXT NOT NULL,
    state TEXT NOT NULL,
    writer TEXT NOT NULL,
    answer TEXT,
    words TEXT NOT NULL DEFAULT '',
    asked REAL NOT NULL,
    thumb INTEGER NOT NULL DEFAULT 0,
    comment TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (conversation, position)
);
CREATE TABLE IF NOT EXISTS preferences (owner TEXT PRIMARY KEY, choices TEXT NOT NULL);
"""


class UserDataError(PaperchatError):
    """The file of the conversations cannot be used."""


class Database:
    """The file, made where it is missing; one connection a thread.

    `writer` names this process: a turn that another process left half written was cut off.
    """

    def __init__(self, path: Path) -> None:
        """Opens or makes the file.

        Raises:
            UserDataError: It can be neither opened nor made.
        """
        self.path = path
        self.writer = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._local = threading.local()
        with self.errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)  # questions are nobody else's business
            with self.connection() as connection:
                connection.executescript(SCHEMA)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in one transaction.

        Raises:
            UserDataError: The file is damaged, full or not writable.
        """
        with self.errors():
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = sqlite3.connect(self.path, timeout=10)
                connection.row_factory = sqlite3.Row
                # SQLite's own LIKE takes only the letters A to Z for the same in upper and lower case.
                connection.create_function("folded", 1, lambda text: (text or "").casefold(), deterministic=True)
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute("PRAGMA foreign_keys=ON")
                self._local.connection = connection
            with connection:
                yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what SQLite and the file system raise into one sentence."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise UserDataError(
                f"The conversations in {self.path} cannot be used ({error}). Check free disk space and permissions, "
                "or name another file with PAPERCHAT_CONVERSATIONS."
            ) from error
