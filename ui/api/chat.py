"""`POST /v1/chat/completions`: an answer whole, or streamed sentence by sentence as each passes its check."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rag.filters import Filters
from rag.serialize import answer_to_dict
from rag.types import Answer, Checked, Event, Finished
from ui.api import logs
from ui.api.answering import Trace, Work, too_slow
from ui.api.errors import CLOSED_BY_CLIENT, encoded, error_response, told
from ui.api.gone import ClientGoneError, while_connected
from ui.api.message_text import MessageText, message_text
from ui.api.messages import Asked
from ui.api.service import Service

log = logging.getLogger(__name__)

# Comment lines while nothing is to be said, so that no proxy takes the connection for dead.
KEEP_ALIVE_SECONDS = 10.0
KEEP_ALIVE = b": still at work\n\n"


class ChatAnswer(Response):
    """An answer that is computed while it is sent, and no longer than somebody listens."""

    def __init__(self, service: Service, asked: Asked, filters: Filters | None, client: str) -> None:
        self.background = None
        self._service = service
        self._asked = asked
        self._filters = filters
        self._client = client
        self._started = False
        self._created = int(time.time())
        self._trace = Trace(logs.REQUEST_ID.get())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits for its turn, answers, and tells errors in the form that fits what was sent already."""
        try:
            await while_connected(receive, self._answer(send))
        except ClientGoneError:
            log.info("the client went away")
            if not self._started:  # for the log and the metrics; nobody reads it
                await Response(status_code=CLOSED_BY_CLIENT)(scope, receive, send)
        except Exception as error:
            problem = told(error)
            self._service.metrics.turned_away.add(problem.code)
            if not self._started:
                await error_response(problem)(scope, receive, send)
                return
            await _send(send, _event(problem.body()) + _event("[DONE]"), more=False)

    async def _answer(self, send: Send) -> None:
        service, limit = self._service, self._service.limits.seconds
        pipeline = service.pipeline(generate=self._asked.generate)
        try:
            async with asyncio.timeout(limit):
                place = await service.answers.enter(self._client)
        except TimeoutError as error:
            raise too_slow() from error
        self._trace.queue_ms = place.waited * 1000
        service.metrics.stages.observe(place.waited, "queue")
        asked = self._asked
        try:
            work = Work(lambda cancel: pipeline.stream(asked.question, asked.history, cancel, self._filters), place)
        except RuntimeError:  # no thread can be started
            place.release()
            raise
        service.works.add(work)
        try:
            events = work.events(limit - place.waited, KEEP_ALIVE_SECONDS)
            await (self._stream(events, send) if asked.stream else self._whole(events, send))
        finally:
            work.stop()
            service.works.discard(work)

    async def _whole(self, events: AsyncIterator[Event | None], send: Send) -> None:
        async for event in events:
            if event is None:
                continue
            self._trace.note(event)
            if isinstance(event, Finished):
                await self._start(send, "application/json")
                await _send(send, encoded(self._completion(event.answer)), more=False)

    async def _stream(self, events: AsyncIterator[Event | None], send: Send) -> None:
        text = MessageText()
        async for event in events:
            if event is None:
                if self._started:
                    await _send(send, KEEP_ALIVE)
                continue
            self._trace.note(event)
            if not self._started:  # the first event is out: from here on it is an answer
                await self._start(send, "text/event-stream; charset=utf-8")
                await _send(send, self._chunk({"role": "assistant", "content": ""}))
            if isinstance(event, Checked) and event.shown:
                await _send(send, self._chunk({"content": text.sentence(event.sentence)}))
            if isinstance(event, Finished):
                await self._end(event.answer, text, send)

    async def _end(self, answer: Answer, text: MessageText, send: Send) -> None:
        if rest := text.end(answer):
            await _send(send, self._chunk({"content": rest}))
        last = self._chunk({}, finish=_reason(answer), paperchat=self._extension(answer))
        if self._asked.include_usage:
            last += _event({**self._frame("chat.completion.chunk"), "choices": [], "usage": _usage(answer)})
        await _send(send, last + _event("[DONE]"), more=False)

    async def _start(self, send: Send, media_type: str) -> None:
        # The last one keeps nginx from holding the stream back.
        headers = [("content-type", media_type), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
        self._started = True
        await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})

    def _frame(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self._trace.request_id}",
            "object": kind,
            "created": self._created,
            "model": self._asked.model,
        }

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        usage = {"usage": None} if self._asked.include_usage else {}
        return _event({**self._frame("chat.completion.chunk"), "choices": [choice], **usage, **more})

    def _completion(self, answer: Answer) -> dict[str, Any]:
        message = {"role": "assistant", "content": message_text(answer), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": _reason(answer), "logprobs": None}
        return {
            **self._frame("chat.completion"),
            "choices": [choice],
            "usage": _usage(answer),
            "paperchat": self._extension(answer),
        }

    def _extension(self, answer: Answer) -> dict[str, Any]:
        """The contract's answer and its trace; the metrics are told on the way."""
        metrics, timings = self._service.metrics, answer.timings
        metrics.answers.add(answer.mode)
        metrics.stages.observe(timings.retrieve_ms / 1000, "retrieve")
        if timings.first_token_ms is not None:
            metrics.stages.observe(timings.first_token_ms / 1000, "first_token")
        metrics.stages.observe(timings.total_ms / 1000, "total")
        metrics.sentences.add("true", by=len(answer.sentences))
        metrics.sentences.add("false", by=len(answer.withheld))
        metrics.tokens.add("prompt", by=timings.prompt_tokens)
        metrics.tokens.add("new", by=timings.new_tokens)
        return {**answer_to_dict(answer), "trace": self._trace.as_dict()}


def _reason(answer: Answer) -> str:
    return "length" if answer.stopped else "stop"


def _usage(answer: Answer) -> dict[str, int]:
    read, written = answer.timings.prompt_tokens, answer.timings.new_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _event(value: Any) -> bytes:
    return b"data: " + (value.encode() if isinstance(value, str) else encoded(value)) + b"\n\n"


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _raw(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]
