"""The API in this process over fake models: an engine, a service, and a client that speaks ASGI without a socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from ingest.pipeline import Options, Progress
from ingest.records import IngestReport, Rejected
from rag.build import assemble
from rag.config import Config
from rag.index import Index
from rag.pipeline import Pipeline
from tests.fakes import FakeEmbedder, FakeGenerator, build_fake_index
from tests.injections import CLEAN
from ui.api.app import create_app
from ui.api.service import Service

T = TypeVar("T")
BASE = "http://127.0.0.1:7861"


@dataclass
class FakeServingEngine:
    """A loaded engine over the clean papers; ingests by noting what it was given."""

    generator: FakeGenerator
    config: Config = field(default_factory=Config)
    ready: bool = True
    failed: bool = False
    ingested: list[tuple[Path, bytes, Options]] = field(default_factory=list)
    fails: Exception | None = None
    hold: threading.Event | None = None

    def __post_init__(self) -> None:
        self.index: Index = build_fake_index(CLEAN)

    def pipeline(self, *, generate: bool = True) -> Pipeline:
        return assemble(self.config, self.index, FakeEmbedder(), self.generator if generate else None)

    def ingest(self, paths: Sequence[Path], progress: Progress, options: Options = Options()) -> IngestReport:  # noqa: B008
        (path,) = paths
        self.ingested.append((path, path.read_bytes(), options))
        while self.hold is not None and not self.hold.wait(0.005):
            progress(0, 0, 0)
        if self.fails is not None:
            raise self.fails
        rejected = (Rejected(str(path), "line 2", f"{path} is odd"),)
        return IngestReport(2, 1, 0, 0, 0, rejected, 1, 4, 4, 0.1)


@dataclass
class Api:
    """A served API and a client of it."""

    service: Service
    engine: FakeServingEngine
    http: httpx.AsyncClient

    async def ask(self, question: str, **more: Any) -> httpx.Response:
        body = {"model": "paperchat", "messages": [{"role": "user", "content": question}], **more}
        return await self.http.post("/v1/chat/completions", json=body)


@asynccontextmanager
async def serving(
    writes: str | FakeGenerator = "", *, loopback: bool = True, address: str = "127.0.0.1", **settings: Any
) -> AsyncIterator[Api]:
    config = Config(**settings)
    engine = FakeServingEngine(writes if isinstance(writes, FakeGenerator) else FakeGenerator(writes), config)
    service = Service(engine, config)
    transport = httpx.ASGITransport(create_app(service, loopback=loopback), client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Api(service, engine, http)


def run(test: Callable[[Api], Awaitable[T]], writes: str | FakeGenerator = "", **settings: Any) -> T:
    """Runs a test of the API in an event loop of its own; fails where it hangs."""

    async def all_of_it() -> T:
        async with asyncio.timeout(60), serving(writes, **settings) as api:
            return await test(api)

    return asyncio.run(all_of_it())


def events(text: str) -> list[Any]:
    """The JSON of a stream's events; `[DONE]` as text, comments left out."""
    blocks = [block for block in text.split("\n\n") if block.startswith("data: ")]
    return [block[6:] if block[6:] == "[DONE]" else json.loads(block[6:]) for block in blocks]


def streamed_text(found: list[Any]) -> str:
    """The message that the deltas make."""
    deltas = [event["choices"][0]["delta"] for event in found if isinstance(event, dict) and event.get("choices")]
    return "".join(delta.get("content", "") for delta in deltas)


class Connection:
    """One request by hand: its parts when we say so, and a client that can go away."""

    def __init__(self, app: Any, path: str, headers: dict[str, str] | None = None, method: str = "POST") -> None:
        self.app = app
        self.sent: list[dict[str, Any]] = []
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        given = {"host": "127.0.0.1:7861", "content-type": "application/json", **(headers or {})}
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 7861),
        }

    def send(self, body: bytes, *, more: bool = False) -> None:
        """A part of the body."""
        self.incoming.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        """Closes the connection."""
        self.incoming.put_nowait({"type": "http.disconnect"})

    def start(self) -> asyncio.Task[None]:
        """Begins to serve it."""

        async def receive() -> Any:
            return await self.incoming.get()

        async def send(message: Any) -> None:
            self.sent.append(message)

        return asyncio.ensure_future(self.app(self.scope, receive, send))

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.sent[0]["status"])


async def until(true: Callable[[], bool]) -> None:
    """Waits until something has come about; the test's own time limit ends it otherwise."""
    while not true():
        await asyncio.sleep(0.002)
