"""Errors in the shape that OpenAI's clients read; never a traceback, a path or an inner address."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from rag.errors import (
    GenerationError,
    IndexBusyError,
    ModelError,
    PaperchatError,
    PaperIndexError,
    SourceError,
    UsageError,
)
from ui.api.gone import ClientGoneError

log = logging.getLogger(__name__)

KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
NEXT_TRY = 5
CLOSED_BY_CLIENT = 499


class ApiError(HTTPException):
    """What a client is told: one sentence that says what is wrong, one that says what to do."""

    def __init__(
        self, status: int, message: str, code: str, *, param: str | None = None, retry_after: int | None = None
    ) -> None:
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        if status == 401:
            headers["www-authenticate"] = "Bearer"
        super().__init__(status, message, headers)
        self.message = message
        self.code = code
        self.param = param

    def body(self) -> dict[str, Any]:
        """The JSON that is sent."""
        return error_body(self.status_code, self.message, self.code, self.param)


def error_body(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def told(error: BaseException) -> ApiError:
    """What a client may know of an error; everything else goes to the log.

    The messages of index and model errors name folders and addresses of the server, so they are
    for whoever runs it.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, UsageError | SourceError):
        return ApiError(400, str(error), "invalid_request")
    if isinstance(error, ClientGoneError):  # for the log and the numbers; nobody reads it
        return ApiError(CLOSED_BY_CLIENT, "The client went away.", "client_gone")
    log.error("a request failed: %s", error, exc_info=None if isinstance(error, PaperchatError) else error)
    if isinstance(error, IndexBusyError):
        return ApiError(
            503, "Another ingest is writing to the index. Try again in a while.", "index_busy", retry_after=NEXT_TRY
        )
    if isinstance(error, PaperIndexError):
        return ApiError(
            503, "The index cannot be used now. Try again, or ask whoever runs the server.", "index_unavailable",
            retry_after=NEXT_TRY,
        )  # fmt: skip
    if isinstance(error, GenerationError | ModelError):
        return ApiError(503, "The model failed. Ask again.", "model_failed", retry_after=NEXT_TRY)
    return ApiError(500, "Something unexpected went wrong. Report the request id.", "internal_error")


def encoded(value: Any) -> bytes:
    """JSON as UTF-8; half of a surrogate pair, which UTF-8 has no bytes for, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encoded(value), status, dict(headers or {}), "application/json")


def error_response(error: ApiError) -> Response:
    """An error as an answer."""
    return json_response(error.body(), error.status_code, error.headers)
