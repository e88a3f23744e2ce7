"""The server process: connections that must hurry, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from rag.errors import PaperchatError
from ui.api.app import create_app
from ui.api.service import GRACE_SECONDS, Service, ServingEngine

log = logging.getLogger(__name__)

# A request's head has to be there by then; connections that send it byte by byte are closed.
HEAD_SECONDS = 10
HEAD_BYTES = 16_384
IDLE_SECONDS = 15
# A client that takes nothing of its answer for so long is not waited for.
UNREAD_SECONDS = 60
MOST_CONNECTIONS = 512


class HurriedProtocol(H11Protocol):
    """Closes a connection whose request's head does not come, or whose answer is not taken, in time.

    Uvicorn itself would wait for ever.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.close()
            return
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Stops the clock where the head is complete."""
        super().data_received(data)
        reading_head = self.cycle is None or self.cycle.response_complete
        if not reading_head:
            self._stop_clock()
        elif self._head_timer is None:
            self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clocks."""
        self._stop_clock()
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Starts the clock: more of the answer is held here than the client takes."""
        super().pause_writing()
        # Not `close`, which would wait until the client has taken the rest.
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stops the clock."""
        self._stop_waiting()
        super().resume_writing()

    def _start_clock(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Server(uvicorn.Server):
    """Uvicorn's, which first tells the service that the end has come."""

    service: Service | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Sends away what waits, lets answers finish within the grace, then closes."""
        if self.service is not None:
            await self.service.shut_down()
        await super().shutdown(sockets)


def serve(service: Service, engine: ServingEngine, host: str, port: int, *, loopback: bool) -> None:
    """Serves until a signal comes; returns when everything is closed.

    Raises:
        PaperchatError: The models or the index could not be loaded.
    """
    settings: dict[str, Any] = {
        "host": host.strip("[]"),
        "port": port,
        "http": HurriedProtocol,
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        # An address in a header is whatever a client says it is.
        "proxy_headers": False,
        "h11_max_incomplete_event_size": HEAD_BYTES,
        "timeout_keep_alive": IDLE_SECONDS,
        "timeout_graceful_shutdown": GRACE_SECONDS + 10,
    }
    server = Server(uvicorn.Config(create_app(service, loopback=loopback), **settings))
    server.service = service
    failure: list[PaperchatError] = []

    async def run() -> None:
        loading = asyncio.ensure_future(_wait_for(engine, server, failure))
        await server.serve()
        loading.cancel()

    asyncio.run(run())
    if failure:
        raise failure[0]


async def _wait_for(engine: ServingEngine, server: Server, failure: list[PaperchatError]) -> None:
    """Ends the server where loading fails: whoever started it should see why."""
    while not (engine.ready or engine.failed):  # a thread that waits for it would keep the process from ending
        await asyncio.sleep(0.2)
    try:
        engine.pipeline()
        log.warning("ready")
    except PaperchatError as error:
        failure.append(error)
        server.should_exit = True
