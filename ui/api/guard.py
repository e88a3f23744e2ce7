"""What every request passes: its id, the host and origin checks, the token, rate, size and time limits, the log.

Plain ASGI, so that streams and disconnections go through untouched.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api import logs
from ui.api.auth import SAFE_LENGTH
from ui.api.bodies import LimitedBody
from ui.api.errors import ApiError, error_response, told
from ui.api.rates import Rates
from ui.api.service import Service
from ui.origins import Origins

log = logging.getLogger("paperchat.access")

# Health probes have no token; the description of the API is in the source code anyway.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs"})
UPLOADS = "/v1/papers"
JSON_BYTES = 2_000_000
JSON_SECONDS = 30
UPLOAD_SECONDS = 900
WRONG_TOKENS_PER_MINUTE = 30
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REFUSED = {
    "wrong_host": "This server is reached as localhost or 127.0.0.1 only. Use that address.",
    "wrong_origin": "Web pages of other origins are not let in. Call from a program.",
}


class Guard:
    """ASGI middleware around the whole API."""

    def __init__(self, app: ASGIApp, service: Service, *, loopback: bool) -> None:
        """`loopback` says that only this machine can reach the server, so that no other host name is right."""
        self._app = app
        self._service = service
        self._origins = Origins(service.config.host, loopback=loopback)
        self._rates = Rates(service.config.api_per_minute)
        self._wrong_tokens = Rates(WRONG_TOKENS_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        logs.REQUEST_ID.set(request_id)
        request = _Request(scope, send, request_id)
        try:
            client = self._admit(scope, headers)
            scope["paperchat_client"] = request.client = client
            body = self._limited(receive, headers, upload=scope["path"] == UPLOADS)
            await self._app(scope, body.receive, request.send)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the outermost surface, for panics too: a sentence, never a traceback
            if request.status is None:
                await self._refuse(told(error), scope, receive, request)
        finally:
            self._finish(scope, request)

    def _admit(self, scope: Scope, headers: Headers) -> str:
        """Name of the client.

        Raises:
            ApiError: It is not let in.
        """
        if refused := self._origins.refused(headers):
            raise ApiError(403, _REFUSED[refused], refused)
        address = scope["client"][0] if scope.get("client") else "unknown"
        client = f"address:{address}"
        if scope["path"] in OPEN_PATHS:
            return client
        if self._service.keys:
            guessed = not self._wrong_tokens.allows(address)
            # A long token cannot be guessed. It is let in whoever guesses from the same address, which
            # is everybody's behind a proxy.
            owner = self._service.keys.owner(headers.get("authorization"), SAFE_LENGTH if guessed else 0)
            if owner is None and guessed:
                raise ApiError(429, "Too many wrong tokens. Try again in a minute.", "too_many_wrong", retry_after=60)
            if owner is None:
                self._wrong_tokens.count(address)
                raise ApiError(401, "No valid token was sent. Send 'Authorization: Bearer TOKEN'.", "invalid_api_key")
            client = f"key:{owner}"
        if not self._rates.allows(client):
            raise ApiError(429, "Too many requests in a minute. Slow down.", "rate_limited", retry_after=5)
        self._rates.count(client)
        return client

    def _limited(self, receive: Receive, headers: Headers, *, upload: bool) -> LimitedBody:
        if upload:
            return LimitedBody(receive, headers, self._service.limits.upload_bytes, UPLOAD_SECONDS)
        return LimitedBody(receive, headers, JSON_BYTES, JSON_SECONDS)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, request: _Request) -> None:
        self._service.metrics.turned_away.add(error.code)
        try:
            await error_response(error)(scope, receive, request.send)
        except Exception as broken:  # a body that is no HTTP: uvicorn has answered it and closed the connection
            log.info("an error could not be sent (%s)", type(broken).__name__)

    def _finish(self, scope: Scope, request: _Request) -> None:
        seconds = time.perf_counter() - request.started
        path = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        status = str(request.status or 0)
        self._service.metrics.requests.add(path, method, status)
        self._service.metrics.seconds.observe(seconds, path)
        fields = {
            "method": method,
            "path": path,
            "status": request.status,
            "ms": round(seconds * 1000, 1),
            "client": request.client,
        }
        log.info("request", extra={"fields": fields})


class _Request:
    """What became of a request so far; adds our headers to its answer."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.started = time.perf_counter()
        self.status: int | None = None
        self.client = ""
        self._send = send
        self._id = request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *HEADERS, (b"x-request-id", self._id.encode())]
        await self._send(message)
