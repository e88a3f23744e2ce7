"""Bodies that end: counted while they come in, and not waited for for ever."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from ui.api.errors import ApiError

SILENT_SECONDS = 20


class LimitedBody:
    """A request's `receive`, within limits: what the headers promise is not believed."""

    def __init__(self, receive: Receive, headers: Headers, limit: float, seconds: float) -> None:
        """Takes at most `limit` bytes and as many seconds.

        Raises:
            ApiError: The headers promise more (413).
        """
        self._receive = receive
        self._limit = limit
        self._end = time.monotonic() + seconds
        self._read = 0
        self._done = False
        promised = headers.get("content-length", "")
        if promised.isdecimal() and (len(promised) > 15 or int(promised) > self._limit):
            raise self._too_large()

    async def receive(self) -> Message:
        """The next part of the body, and after its end whatever the server has to say.

        Raises:
            ApiError: The body is too large (413) or comes too slowly (408).
        """
        if self._done:
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, min(SILENT_SECONDS, self._end - time.monotonic()))):
                message = await self._receive()
        except TimeoutError as error:
            raise ApiError(408, "The request came too slowly. Send it again.", "too_slow") from error
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._done = not message.get("more_body", False)
            if self._read > self._limit:
                raise self._too_large()
        return message

    def _too_large(self) -> ApiError:
        return ApiError(
            413, f"The request is larger than {self._limit / 1e6:g} MB. Send it in smaller parts.", "too_large"
        )
