"""How the page is served: its address, what a browser may load, and how it ends."""

from __future__ import annotations

import errno
import logging
import os
import socket
from typing import TYPE_CHECKING

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import UsageError
from ui import texts

if TYPE_CHECKING:
    import gradio as gr

log = logging.getLogger(__name__)

# Nothing from elsewhere, and no script in an attribute: a second line of defence behind `html.escape`.
# Gradio itself needs inline scripts and `Function`.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)


class SecurityHeaders:
    """ASGI middleware that tells the browser what a page of ours may load."""

    HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
    POLICY = (b"content-security-policy", CONTENT_POLICY.encode())
    # Never a document, so that the policy would say nothing; Gradio serves eighty of them a visit.
    PARTS = (b"text/css", b"text/javascript", b"application/javascript", b"application/json", b"font/")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers to every answer of the server."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"]
                part = dict(given).get(b"content-type", b"").startswith(self.PARTS)
                message["headers"] = [*given, *self.HEADERS, *(() if part else (self.POLICY,))]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class SmallPage:
    """ASGI middleware that compresses the page itself; Gradio does so with what belongs to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.compressed = app, GZipMiddleware(app, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leaves everything else as it is, streams of events above all."""
        chosen = self.compressed if scope["type"] == "http" and scope["path"].endswith("/") else self.app
        await chosen(scope, receive, send)


def usable_port(host: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        UsageError: The address is taken or does not exist.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(texts.port_busy(host, port, usable_port(host, 0))) from error
        raise UsageError(texts.address_unusable(host, error.strerror or str(error))) from error


def reach_directly(host: str) -> None:
    """Gradio asks its own page whether it is up; a proxy could not answer that."""
    for name in ("no_proxy", "NO_PROXY"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        missing = [own for own in (host.strip("[]"), "127.0.0.1", "localhost") if own not in known]
        os.environ[name] = ",".join([*known, *dict.fromkeys(missing)])


def serve_until_stopped(app: gr.Blocks) -> None:
    """Returns when the server ends or Ctrl+C is pressed."""
    try:
        app.server.thread.join()
    except KeyboardInterrupt:
        log.info("stopped from the keyboard")
    finally:
        app.close(verbose=False)
