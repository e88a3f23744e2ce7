"""A Chroma folder that several processes use in turn.

Chroma's embedded mode is safe between threads, not between processes: each process keeps the vector
graph in memory, and any of them, also one that only asks, may write it back and clear the log the
others would have learnt from. So every use takes a lock on the folder, and a process that finds the
folder changed by another opens it anew.

Nor does Chroma write its graph in one step: a process killed while it does leaves files that nobody
can open. So Chroma's log is kept, which it would clear, and a graph that cannot be opened is built
again from it, without the embedding model (docs/decisions/0005).
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from rag.adapters import chroma_graph
from rag.adapters.chroma_log import PATIENCE_S, ChromaLog, State
from rag.errors import PaperIndexError

log = logging.getLogger(__name__)

DATABASE = "chroma.sqlite3"
LOG_SETTINGS = "SELECT config_json_str FROM embeddings_queue_config"
KEEP_LOG = """
INSERT OR REPLACE INTO embeddings_queue_config (id, config_json_str)
VALUES (1, '{"automatically_purge":false,"_type":"EmbeddingsQueueConfigurationInternal"}')
"""
LOCK = "chroma.lock"
POLL_S = 0.005


def _is_of_graph(error: Exception) -> bool:
    """Does Chroma complain of its vector graph?"""
    return any(words in str(error).lower() for words in ("hnsw", "finding id", "getting embedding"))


class ChromaFolder:
    """One client a folder and process, whoever asks for it."""

    _known: ClassVar[dict[str, ChromaFolder]] = {}
    _knowing: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def at(cls, folder: Path) -> ChromaFolder:
        """The folder's one object in this process."""
        key = str(folder.resolve())
        with cls._knowing:
            if key not in cls._known:
                cls._known[key] = cls(Path(key))
            return cls._known[key]

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock

        self._folder = folder
        self._threads = threading.RLock()
        self._processes = FileLock(folder.parent / LOCK, timeout=PATIENCE_S, poll_interval=POLL_S)
        self.log = ChromaLog(folder / DATABASE)
        self._client: Any = None
        self._seen: State = None
        self._damaged = False
        self._rebuilt: State = None

    @contextmanager
    def turn(self) -> Iterator[Any]:
        """The client, up to date, while no other process uses the folder.

        Raises:
            PaperIndexError: Another process holds the folder for too long.
        """
        with self._threads, self._between_processes():
            if self._client is None or self.log.state() != self._seen:
                self._open()
            elif self._damaged and self.log.state() != self._rebuilt:  # once: what it does not mend is for people
                self._rebuild()
            self._damaged = False
            try:
                yield self._client
            except Exception as error:
                # A graph cut short opens and answers, until a question leads to what was cut off.
                self._damaged = _is_of_graph(error)
                raise
            finally:
                self._seen = self.log.state()

    @contextmanager
    def _between_processes(self) -> Iterator[None]:
        from filelock import Timeout

        try:
            self._processes.acquire()
        except Timeout as error:
            raise PaperIndexError(
                f"The vectors in {self._folder} have been in use by another process for {PATIENCE_S:.0f} s. "
                "Stop that process, or wait and try again."
            ) from error
        except OSError:
            # In a folder that may not be written there is no lock to take.
            yield
            return
        try:
            yield
        finally:
            self._processes.release()

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        self._client = chromadb.PersistentClient(str(self._folder), Settings(anonymized_telemetry=False))

    def _close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            client.close()

    def _open(self) -> None:
        self._close()
        # Before Chroma sees it: it does not notice, or dies of it.
        if not all(chroma_graph.is_whole(header.parent) for header in self._folder.glob(f"*/{chroma_graph.HEADER}")):
            self._forget_graph()
        self._connect()
        # A folder that may not be written is read as it is; nothing in it will be cleared.
        with suppress(sqlite3.OperationalError), self._database() as database:
            if '"automatically_purge":false' not in str(database.execute(LOG_SETTINGS).fetchone()):
                database.execute(KEEP_LOG)
        try:
            self._probe()
        except Exception as error:  # the Rust core's own types
            if not _is_of_graph(error):
                raise
            self._rebuild()

    def _rebuild(self) -> None:
        """Makes the graph anew from the log."""
        self._close()
        self._forget_graph()
        self._connect()
        self._probe()
        self._rebuilt = self.log.state()

    def _probe(self) -> None:
        """Makes Chroma open every graph, which it would put off to the first question."""
        for collection in self._client.list_collections():
            first = collection.get(limit=1, include=["embeddings"])
            if len(first["ids"]):
                collection.query(query_embeddings=[first["embeddings"][0]], n_results=1, include=[])

    def _forget_graph(self) -> None:
        """Takes the graph away; Chroma then replays its log into a new one."""
        log.warning("the vector graph in %s is damaged; building it again from the log", self._folder)
        with self._database() as database:
            first = database.execute("SELECT min(seq_id) FROM embeddings_queue").fetchone()[0]
            if first is None or first > 1:
                raise PaperIndexError("the log that could rebuild the vector graph was cleared")
            segments = [row[0] for row in database.execute("SELECT id FROM segments WHERE scope = 'VECTOR'")]
            database.executemany("DELETE FROM max_seq_id WHERE segment_id = ?", [(segment,) for segment in segments])
        for segment in segments:
            shutil.rmtree(self._folder / segment, ignore_errors=True)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        path = f"file:{quote(str(self._folder / DATABASE))}?mode=rw"
        connection = sqlite3.connect(path, uri=True, timeout=PATIENCE_S)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
