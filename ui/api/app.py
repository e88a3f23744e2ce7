"""The endpoints: each parses, calls one function, and answers."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from rag.errors import PaperchatError
from ui.api import page, papers
from ui.api.chat import ChatAnswer
from ui.api.errors import ApiError, error_response, json_response, told
from ui.api.gone import ClientGoneError
from ui.api.guard import OPEN_PATHS, Guard
from ui.api.messages import understood
from ui.api.metrics import CONTENT_TYPE
from ui.api.schemas import (
    MODELS,
    QUOTED,
    ChatRequest,
    Completion,
    ErrorBody,
    Health,
    IngestCounts,
    ModelCard,
    ModelList,
    PaperRecord,
    SearchRequest,
    SearchRow,
)
from ui.api.service import Service

log = logging.getLogger(__name__)

ABOUT = (
    "Questions over your papers. `/v1/chat/completions` is what OpenAI's clients call; every sentence of an answer "
    "was checked against the abstract it cites, and the field `paperchat` holds verdicts, citations and timings."
)
STARTED = int(time.time())
# A store that does not even count in that time answers no question.
READY_SECONDS = 10
# Where Pydantic tells the place of an error: which of several types it tried, and that it is in the body.
_NO_FIELD = re.compile(r"^(body|str)$|[\[(]")


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorBody} for status in (401, 403, 408, 413, 429, 500, 503, *statuses)}


def create_app(service: Service, *, loopback: bool = True) -> ASGIApp:
    """The whole API behind its guard.

    Args:
        service: What the endpoints share.
        loopback: Can only this machine reach the server? Then other host names are refused.
    """
    app = FastAPI(title="paperchat", description=ABOUT, version=_version(), docs_url=None, redoc_url=None)
    _add_chat(app, service)
    _add_papers(app, service)
    _add_state(app, service)
    if service.keys:
        _describe_token(app)
    for kind in (HTTPException, RequestValidationError, PaperchatError, ClientGoneError, Exception):
        app.add_exception_handler(kind, _told)
    return Guard(app, service, loopback=loopback)


def _add_chat(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/chat/completions",
        response_model=Completion,
        responses={**_errors(400, 404, 415, 422), 200: {"content": {"text/event-stream": {}}}},
        summary="Answer a question",
    )
    async def completions(request: Request, body: ChatRequest) -> Response:
        """Whole, or with `stream` as server-sent events: each checked sentence as it is finished."""
        asked = understood(body)
        return ChatAnswer(service, asked, papers.conditions(asked.where), _client(request))

    @app.get("/v1/models", response_model=ModelList, responses=_errors(), summary="What `model` may be")
    async def models() -> ModelList:
        name = service.engine.pipeline().model if service.engine.ready else "not loaded"
        cards = [
            ModelCard(id=model, created=STARTED, root="none (quoting only)" if model == QUOTED else name)
            for model in MODELS
        ]
        return ModelList(data=cards)

    @app.get("/v1/models/{model}", response_model=ModelCard, responses=_errors(404), summary="One of the models")
    async def model_card(model: str) -> ModelCard:
        for card in (await models()).data:
            if card.id == model:
                return card
        raise ApiError(404, f"The model {model[:100]!r} does not exist.", "model_not_found", param="model")


def _add_papers(app: FastAPI, service: Service) -> None:
    @app.post("/v1/search", response_model=list[SearchRow], responses=_errors(400, 415, 422), summary="Ranked papers")
    async def search(request: Request, body: SearchRequest) -> Response:
        """The same rows as `paperchat search --json`."""
        return json_response(await papers.search(service, body.query, body.k, body.where, _client(request)))

    @app.post(
        "/v1/papers",
        response_model=IngestCounts,
        responses=_errors(400, 415, 422),
        summary="Add papers",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                    "application/x-ndjson": {"schema": {"type": "string"}},
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["file"],
                            "properties": {"file": {"type": "string", "format": "binary"}},
                        }
                    },
                },
            }
        },
    )
    async def add_papers(
        request: Request,
        form: Annotated[str | None, Query(alias="format", description="Where telling it by content fails.")] = None,
    ) -> Response:
        """A file in any format that `paperchat ingest` reads, as the body or as a part named `file`."""
        return json_response(await papers.ingest(service, request, form, _client(request)))

    @app.get("/v1/papers/{paper_id:path}", response_model=PaperRecord, responses=_errors(404), summary="One record")
    async def show_paper(paper_id: str) -> Response:
        """The same as `paperchat papers show --json`."""
        return json_response(await run_in_threadpool(papers.record, service, paper_id))


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", response_model=Health, summary="Does the process live?")
    async def healthz() -> Health:
        return Health(status="ok")

    @app.get("/readyz", response_model=Health, responses={503: {"model": Health}}, summary="Can it answer?")
    async def readyz() -> Response:
        if service.stopping.is_set():
            return json_response({"status": "shutting_down"}, 503)
        if not service.engine.ready:
            return json_response({"status": "failed" if service.engine.failed else "loading"}, 503)
        try:
            async with asyncio.timeout(READY_SECONDS):
                await to_thread.run_sync(_look_at, service, abandon_on_cancel=True)
        except (PaperchatError, TimeoutError) as error:
            log.warning("not ready: %s", error)
            return json_response({"status": "index_unavailable"}, 503)
        return json_response({"status": "ok"})

    @app.get("/metrics", responses=_errors(), response_class=Response, summary="Numbers for Prometheus")
    async def metrics() -> Response:
        text = await run_in_threadpool(service.metrics.text)
        return Response(text, headers={"content-type": CONTENT_TYPE})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page.render(app.openapi()), headers={"content-security-policy": page.POLICY})


def _describe_token(app: FastAPI) -> None:
    """Says in the description what the guard asks for."""
    description = app.openapi()  # kept by FastAPI from here on
    description["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in description["paths"].items():
        for operation in () if path in OPEN_PATHS else operations.values():
            operation["security"] = [{"token": []}]


def _look_at(service: Service) -> None:
    """Asks each store something cheap.

    Raises:
        PaperchatError: One of them cannot be used.
    """
    index = service.engine.pipeline().index
    index.catalog.counts()
    index.terms.count()
    index.vectors.count()


async def _told(request: Request, error: Exception) -> Response:
    """Every error in OpenAI's shape."""
    if isinstance(error, RequestValidationError):
        return error_response(_invalid(request, error))
    if isinstance(error, HTTPException) and not isinstance(error, ApiError):
        return error_response(_plain(error))
    return error_response(told(error))


def _invalid(request: Request, error: RequestValidationError) -> ApiError:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return ApiError(400, "The body is no JSON. Check its quotes and brackets.", "invalid_json")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind == "application/json" or kind.endswith("+json")):
        return ApiError(415, "The body must be JSON. Send 'Content-Type: application/json'.", "unsupported_media_type")
    place = ".".join(str(part) for part in first["loc"] if not _NO_FIELD.search(str(part)))[:200]
    reason = first["msg"].removeprefix("Value error, ")
    return ApiError(422, f"{place or 'The body'}: {reason}. See /docs.", "invalid_value", param=place or None)


def _plain(error: HTTPException) -> ApiError:
    texts = {404: "There is nothing here. See /docs.", 405: "This method is not for this address. See /docs."}
    message = texts.get(error.status_code, "The request could not be read. See /docs.")
    plain = ApiError(
        error.status_code, message, {404: "not_found", 405: "wrong_method"}.get(error.status_code, "bad_request")
    )
    if error.headers and "Allow" in error.headers:
        plain.headers = {"allow": error.headers["Allow"]}
    return plain


def _client(request: Request) -> str:
    return cast(str, request.scope["paperchat_client"])


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("paperchat")
    except PackageNotFoundError:
        return "0"
