"""Connections of clients that send or read too slowly, over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from tests.ui.api_client import until
from ui.api import server
from ui.api.server import HurriedProtocol

pytestmark = pytest.mark.enable_socket

Test = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BIG = 30_000_000


def connected(app: Any, test: Test) -> None:
    """Runs a test with a connection to a server of our protocol."""

    async def all_of_it() -> None:
        config = uvicorn.Config(app, http=HurriedProtocol, ws="none", lifespan="off", log_config=None)
        own = uvicorn.Server(config)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        async with asyncio.timeout(60):
            running = asyncio.ensure_future(own.serve(sockets=[listener]))
            await until(lambda: own.started)
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            await test(reader, writer)
            writer.close()
            own.should_exit = True
            await running

    asyncio.run(all_of_it())


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.1)

    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert await reader.read() == b""

    connected(nothing, test)


def test_a_client_in_time_is_served_on_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)

    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
            await asyncio.sleep(0.02)
            writer.write(b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")

    connected(nothing, test)


def test_an_answer_that_nobody_takes_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UNREAD_SECONDS", 0.1)
    gone = asyncio.Event()

    async def much(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(BIG).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await receive()
        for _ in range(BIG // 100_000):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        gone.set()

    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gone.wait()

    connected(much, test)


def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UNREAD_SECONDS", 5)

    async def much(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % BIG)]})
        for _ in range(BIG // 100_000):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < BIG:
            got += len(await reader.read(1_000_000))
            await asyncio.sleep(0.001)

    connected(much, test)
