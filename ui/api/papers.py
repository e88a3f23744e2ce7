"""Papers over HTTP: searching, one record, and uploads into the index, one at a time.

An upload is bytes and nothing else: its name and its words never become a path or an address.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from ingest.pipeline import Options
from ingest.records import IngestReport
from ingest.sources import FORMATS
from rag.errors import PaperchatError
from rag.filters import Filters, parse
from rag.serialize import paper_to_dict, passage_to_dict
from ui.api.answering import too_slow
from ui.api.errors import ApiError
from ui.api.gone import while_connected
from ui.api.service import Service

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME = "upload"
MULTIPART = "multipart/form-data"
FORM = "application/x-www-form-urlencoded"


class _IngestStoppedError(PaperchatError):
    """The client went away or the server goes down; what was written stays."""


def conditions(where: Sequence[str] | None) -> Filters | None:
    """What `where` asks of papers; `None`: what the question itself names.

    Raises:
        UsageError: A condition is not understood.
    """
    return parse(where) if where else None


async def search(service: Service, query: str, k: int, where: list[str] | None, client: str) -> list[dict[str, Any]]:
    """Ranked papers as the contract's rows."""
    filters, pipeline = conditions(where), service.pipeline()

    def found() -> list[dict[str, Any]]:
        result = pipeline.search(query, k, filters)
        evidence = {key: paper.best.text for key, paper in result.evidence.items()}
        return [passage_to_dict(passage, evidence.get(passage.paper.id, "")) for passage in result.ranked]

    try:
        async with asyncio.timeout(service.limits.seconds):
            place = await service.searches.enter(client)
    except TimeoutError as error:
        raise too_slow() from error
    # A thread that hangs in a store keeps its place, and its client is told.
    try:
        work = in_thread(found, place.release, "search")
    except RuntimeError:  # no thread can be started
        place.release()
        raise
    try:
        async with asyncio.timeout(max(0.0, service.limits.seconds - place.waited)):
            return await asyncio.shield(work)
    except TimeoutError as error:
        raise too_slow() from error


def record(service: Service, paper_id: str) -> dict[str, Any]:
    """One paper's whole record.

    Raises:
        ApiError: There is no such paper (404).
    """
    found = service.pipeline().index.catalog.get([paper_id])
    if paper_id not in found:
        raise ApiError(404, f"There is no paper {paper_id[:200]!r} in the index. Search for it.", "paper_not_found")
    fields = paper_to_dict(found[paper_id][0])
    # Where the file lay on the server is nobody's business.
    if "source" in fields:
        fields["source"] = Path(fields["source"]).name
    return {"paper_id": fields.pop("id"), **fields}


async def ingest(service: Service, request: Request, form: str | None, client: str) -> dict[str, Any]:
    """Reads the uploaded file into the index and gives the counts.

    Raises:
        ApiError: It is no upload, or another one is running (429).
        PaperchatError: It holds no paper, or the index cannot be written.
    """
    if form is not None and form not in FORMATS:
        raise ApiError(
            400, f"Unknown format {form[:50]!r}. Use one of: {', '.join(FORMATS)}.", "unknown_format", param="format"
        )
    service.pipeline()
    place = await service.ingests.enter(client)
    try:
        folder = Path(tempfile.mkdtemp(prefix="paperchat-upload-"))
    except OSError as error:
        place.release()
        raise ApiError(503, "The server cannot store an upload now. Ask whoever runs it.", "no_space") from error
    path, stop = folder / NAME, threading.Event()

    def finished() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        place.release()

    def run() -> IngestReport:
        return _ingest(service, path, form, stop)

    try:
        await _store(request, path)
        # The thread may go on for a batch after its client left: it cleans up when it has ended.
        work = in_thread(run, finished, "ingest")
    except BaseException:
        finished()
        raise
    try:
        report = await while_connected(request.receive, _result(work))
    except PaperchatError as error:
        # The file's name on the server is nobody's business.
        error.args = tuple(str(part).replace(str(path), "The upload") for part in error.args)
        raise
    finally:
        stop.set()
    for outcome in ("new", "updated", "unchanged", "duplicates"):
        service.metrics.papers.add(outcome, by=getattr(report, outcome))
    service.metrics.papers.add("rejected", by=report.rejected_count)
    rejected = tuple(
        replace(row, source=NAME, reason=row.reason.replace(str(path), "The upload")) for row in report.rejected
    )
    return asdict(replace(report, rejected=rejected))


async def _store(request: Request, path: Path) -> None:
    """Writes the uploaded bytes to `path`, whatever the client calls them."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(415, "An upload is sent as it is. Leave Content-Encoding out; a gzip file is fine.", "encoding")
    if kind == FORM:
        raise ApiError(
            415,
            "A web form is no file of papers. Send the file itself with 'Content-Type: application/octet-stream', "
            "or as multipart/form-data with a part named 'file'.",
            "unsupported_media_type",
        )
    try:
        with path.open("wb") as file:
            if kind != MULTIPART:
                async for block in request.stream():
                    file.write(block)
                return
            async with request.form(max_files=1, max_fields=4) as parts:
                upload = parts.get("file")
                if not isinstance(upload, UploadFile):
                    raise ApiError(400, "There is no part named 'file'. Send the papers under that name.", "no_file")
                while block := await upload.read(1 << 20):
                    file.write(block)
    except ClientDisconnect as error:
        raise ApiError(400, "The upload broke off. Send it again.", "upload_incomplete") from error
    except OSError as error:
        log.exception("an upload could not be stored")
        raise ApiError(503, "The server cannot store the upload. Ask whoever runs it.", "no_space") from error


def _ingest(service: Service, path: Path, form: str | None, stop: threading.Event) -> IngestReport:
    def progress(done: int, total: int, papers: int) -> None:
        # Called after each batch: between batches the index is whole.
        if stop.is_set() or service.stopping.is_set():
            raise _IngestStoppedError("The ingest was stopped. Send the same upload again to go on.")

    return service.engine.ingest([path], progress, Options(form))


def in_thread(run: Callable[[], T], finished: Callable[[], None], name: str) -> asyncio.Future[T]:
    """What `run` gives, from a thread of its own; `finished` is called when the thread has ended, not before.

    If no thread can be started, it raises and `finished` is not called.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    # A client that left asks for no result.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def work() -> None:
        try:
            result = run()
        except BaseException as error:  # told to the client by whoever waits; a native core may panic
            told = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
            settle = partial(_settle, future, told)
        else:
            settle = partial(_settle, future, None, result)
        with suppress(RuntimeError):  # the server has been shut down
            loop.call_soon_threadsafe(finished)
            loop.call_soon_threadsafe(settle)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name=name, daemon=True).start()
    return future


def _settle(future: asyncio.Future[T], error: Exception | None, result: T | None = None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(cast(T, result))


async def _result(work: asyncio.Future[IngestReport]) -> IngestReport:
    return await asyncio.shield(work)
