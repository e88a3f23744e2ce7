"""What every request to the page passes before Gradio sees it.

Gradio answers whatever name it is called by, lets pages of other origins read it where it is not on loopback, gives
the login's token to scripts, takes uploads and guesses of passwords without end, shows a tab to whoever knows
its name, and has doors that no page of ours uses. Each of these is closed here.
"""

from __future__ import annotations

import logging
import math
import re

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import page_sessions, texts
from ui.api.bodies import LimitedBody
from ui.api.errors import ApiError
from ui.api.rates import Rates
from ui.origins import Origins

log = logging.getLogger(__name__)

# What the page's own script asks for; `file` is an upload of its own, never an address that the server would fetch.
_PATHS = re.compile(
    r"/|/(?:config|login|logout|favicon\.ico|theme\.css|robots\.txt|manifest\.json)/?"
    r"|/(?:static|assets|svelte|pwa_icon)/.+"
    r"|/gradio_api/(?:info|user|login_check|app_id|startup-events|theme\.css|queue/(?:join|data|status)|run/predict"
    r"|upload|upload_progress|cancel|reset|heartbeat/[\w-]+)/?"
    r"|/gradio_api/file=/.+",
    re.DOTALL,
)
UPLOADS = "/gradio_api/upload"
LOGIN = "/login"
# The largest report that the page reads comes in one piece.
EVENT_BYTES = 40_000_000
EVENT_SECONDS = 120
UPLOAD_SECONDS = 3600
WRONG_PASSWORDS_PER_MINUTE = 30


class PageGuard:
    """ASGI middleware around Gradio."""

    def __init__(self, app: ASGIApp, host: str, *, loopback: bool, upload_bytes: int | None = None) -> None:
        """Without `upload_bytes` an upload may be of any size: the only reader is whoever runs the page."""
        self._app = app
        self._origins = Origins(host, loopback=loopback)
        self._upload_bytes = math.inf if upload_bytes is None else upload_bytes
        self._tabs = page_sessions.Tabs()
        self._wrong_passwords = Rates(WRONG_PASSWORDS_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it in one sentence."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
            if scope["method"] == "POST":
                receive = self._limited(scope, receive, headers).receive
            receive = await self._looked_into(scope, receive)
        except ApiError as error:
            log.info("refused: %s", error.code)
            await PlainTextResponse(error.message, error.status_code, error.headers)(scope, receive, send)
            return
        await self._app(scope, receive, self._login_watched(scope, send) if _is_login(scope) else send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raises what the request is refused for.

        Raises:
            ApiError: It comes from another page, asks for what no page of ours does, or is one guess too many.
        """
        refused = self._origins.refused(headers)
        if refused == "wrong_host":
            raise ApiError(403, texts.WRONG_HOST, refused)
        if refused == "wrong_origin" and not _is_link(scope, headers):
            raise ApiError(403, texts.WRONG_ORIGIN, refused)
        if _PATHS.fullmatch(scope["path"]) is None:
            raise ApiError(404, texts.NOTHING_HERE, "not_found")
        if _is_login(scope) and not self._wrong_passwords.allows(_address(scope)):
            raise ApiError(429, texts.TOO_MANY_PASSWORDS, "too_many_wrong", retry_after=60)

    def _limited(self, scope: Scope, receive: Receive, headers: Headers) -> LimitedBody:
        if scope["path"].rstrip("/") == UPLOADS:
            return LimitedBody(receive, headers, self._upload_bytes, UPLOAD_SECONDS)
        return LimitedBody(receive, headers, EVENT_BYTES, EVENT_SECONDS)

    async def _looked_into(self, scope: Scope, receive: Receive) -> Receive:
        """The request's `receive`, where the tab that it names is the login's own.

        Raises:
            ApiError: It is another's, or the event would have the server fetch something.
        """
        tabs = [page_sessions.named_in_address(scope)]
        if page_sessions.names_in_body(scope):
            sent, receive = await page_sessions.read(receive)
            if page_sessions.names_address(sent):
                raise ApiError(400, texts.NO_ADDRESS, "address")
            tabs.append(page_sessions.named(sent))
        cookies = HTTPConnection(scope).cookies
        if not all(self._tabs.is_own(tab, cookies) for tab in tabs if tab):
            raise ApiError(403, texts.OTHER_TAB, "other_tab")
        return receive

    def _login_watched(self, scope: Scope, send: Send) -> Send:
        """Counts wrong passwords, and keeps the login's cookie to this page's own requests."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 400:
                    self._wrong_passwords.count(_address(scope))
                message["headers"] = [(name, _own(name, value)) for name, value in message["headers"]]
            await send(message)

        return watched


def _is_login(scope: Scope) -> bool:
    return bool(scope["method"] == "POST" and scope["path"].rstrip("/") == LOGIN)


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Did a reader follow a link to the page? What then loads is ours, and nobody else sees it."""
    opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return opened and scope["method"] == "GET" and scope["path"] == "/" and "origin" not in headers


def _own(name: bytes, value: bytes) -> bytes:
    return re.sub(rb"samesite=none", b"SameSite=Lax", value, flags=re.IGNORECASE) if name == b"set-cookie" else value


def _address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "unknown"
