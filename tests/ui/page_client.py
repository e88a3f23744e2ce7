"""The page over a fake engine in this process, and clients of it that need no browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.browser.fake_engine import FakeEngine
from ui import web
from ui.userdata import Database

LOGINS = {"alice": "the-password-of-alice", "bob": "the-password-of-bob"}
API = "/gradio_api"
UPLOAD = f"{API}/upload"
FILES = {"files": ("papers.jsonl", b'{"title": "x"}')}


@dataclass
class Served:
    """A page that is open, and what it keeps."""

    url: str
    engine: FakeEngine
    database: Database
    ids: dict[str, int] = field(default_factory=dict)

    def client(self, user: str | None = None) -> Client:
        """A browser without a browser, logged in where `user` is given."""
        client = Client(self)
        if user:
            assert client.http.post("/login", data={"username": user, "password": LOGINS[user]}).status_code == 200
        if not self.ids and (config := client.http.get("/config")).status_code == 200:
            self.ids = {event["api_name"]: event["id"] for event in config.json()["dependencies"]}
        return client


class Client:
    """Sends the page's own events, and others."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.http = httpx.Client(base_url=served.url, timeout=60)

    def run(self, event: str, data: list[Any], sent: Any = None, tab: str = "tab") -> httpx.Response:
        """An event that answers at once."""
        body = {"fn_index": self._served.ids[event], "data": data, "event_data": sent, "session_hash": tab}
        return self.http.post(f"{API}/run/predict", json=body)

    def queue(self, event: str, data: list[Any], sent: Any = None, tab: str = "tab") -> dict[str, Any]:
        """An event that goes through the queue: its last message."""
        body = {"fn_index": self._served.ids[event], "data": data, "event_data": sent, "session_hash": tab}
        self.http.post(f"{API}/queue/join", json=body).raise_for_status()
        last: dict[str, Any] = {}
        with self.http.stream("GET", f"{API}/queue/data", params={"session_hash": tab}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    last = json.loads(line[5:])
                    if last["msg"] == "process_completed":
                        break
        return last


@contextmanager
def serving(folder: Path, *, logins: bool = False, **options: Any) -> Iterator[Served]:
    """The page on a free port of this machine."""
    engine = FakeEngine(word_seconds=0.002, folder=folder)
    database = Database(folder / "conversations.sqlite")
    check = (lambda user, password: LOGINS.get(user) == password) if logins else None
    app = web.launch(
        engine,  # type: ignore[arg-type]
        "127.0.0.1",
        0,
        database=database,
        auth=check,
        block=False,
        **options,
    )
    try:
        yield Served(str(app.local_url).rstrip("/"), engine, database)
    finally:
        app.close(verbose=False)
