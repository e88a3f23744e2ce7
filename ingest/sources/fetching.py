"""Requests to a site that papers are fetched from: few, one at a time, and bounded."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, BinaryIO, cast

from ingest.sources.daily_papers import this_year
from ingest.sources.opened import SourceFile, open_stream
from rag.errors import SourceError

if TYPE_CHECKING:
    import httpx

TRIES = 3
LONGEST_ANSWER = 50_000_000
LONGEST_WAIT = 60.0
MOST_REDIRECTS = 3
SECONDS_OF_SILENCE = 30.0
# A piece of these unpacks to a thousand times its size at most; others, which httpx would take as well, to gigabytes.
PACKED = ("gzip", "deflate")
SECONDS_AN_ANSWER = 300.0

# When each site was last asked: what it asks of us holds for the process, not for one address.
_asked: dict[str, float] = {}


class Site:
    """One host, asked politely.

    Args:
        name: As messages call it.
        url: Scheme and host. No request goes anywhere else, wherever an answer may point.
        pause: Seconds between the end of one request and the next.
    """

    def __init__(self, name: str, url: str, pause: float) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._pause = pause

    @contextmanager
    def answer(
        self, path: str, parameters: Mapping[str, str | int], source: str, explained: tuple[int, ...] = ()
    ) -> Iterator[SourceFile]:
        """What the site answers, read as it arrives.

        Args:
            path: On the site.
            parameters: Of the query.
            source: What a report calls it.
            explained: HTTP errors whose answer says what is wrong in the format itself.

        Raises:
            SourceError: The site cannot be reached, refuses, or sends too much.
        """
        import httpx

        headers = {"User-Agent": _user_agent(), "Accept-Encoding": ", ".join(PACKED)}
        client = httpx.Client(headers=headers, timeout=SECONDS_OF_SILENCE)
        try:
            with client:
                response = self._respond(client, client.build_request("GET", self._url + path, params=dict(parameters)))
                with closing(response):
                    if response.status_code != httpx.codes.OK and response.status_code not in explained:
                        raise SourceError(
                            f"{self.name} refused the request (HTTP {response.status_code}). Check the address."
                        )
                    if response.headers.get("Content-Encoding", "identity").lower() not in (*PACKED, "identity"):
                        raise SourceError(
                            f"{self.name} answers in an encoding that was not asked for. Try again later."
                        )
                    yield open_stream(cast("BinaryIO", _Body(response, self.name)), source, this_year())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(str(error) or type(error).__name__) from error
        finally:
            _asked[self._url] = time.monotonic()

    def _respond(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        """The first response that is neither `later` nor `elsewhere`."""
        base = client.build_request("GET", self._url).url
        tries = redirects = 0
        while True:
            time.sleep(max(0.0, _asked.get(self._url, float("-inf")) + self._pause - time.monotonic()))
            response = client.send(request, stream=True)
            _asked[self._url] = time.monotonic()
            if response.next_request is not None:
                response.close()
                target = response.next_request.url
                redirects += 1
                if (target.scheme, target.netloc) != (base.scheme, base.netloc) or redirects > MOST_REDIRECTS:
                    raise SourceError(
                        f"{self.name} sends us on to {target.host or 'nowhere'}, where nothing is fetched from. "
                        "Save the page and ingest the file."
                    )
                request = response.next_request
            elif response.status_code == 429 or response.status_code >= 500:
                response.close()
                tries += 1
                wait = _retry_after(response.headers.get("Retry-After", ""))
                if tries == TRIES or (wait or 0) > LONGEST_WAIT:
                    later = f" in {wait:.0f} seconds" if wait else " later"
                    raise SourceError(
                        f"{self.name} is busy or asks us to wait (HTTP {response.status_code}). Try again{later}."
                    )
                time.sleep(min(LONGEST_WAIT, self._pause * 2**tries) if wait is None else wait)
            else:
                return response

    def _unreachable(self, reason: str) -> SourceError:
        return SourceError(
            f"{self.name} could not be reached ({' '.join(reason.split())[:120].rstrip('.')}). "
            "Check the network, or save the page and ingest the file."
        )


class _Body:
    """A response as a file, within bounds of size and time."""

    def __init__(self, response: httpx.Response, site: str) -> None:
        self._chunks = response.iter_bytes()
        self._site = site
        self._rest = b""
        self._size = 0
        self._until = time.monotonic() + SECONDS_AN_ANSWER

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
            self._size += len(chunk)
            if self._size > LONGEST_ANSWER or time.monotonic() > self._until:
                over = "over 50 MB" if self._size > LONGEST_ANSWER else "for over five minutes"
                raise SourceError(f"{self._site} sends {over} for one request. Ask for less, or ingest a saved file.")
        size = len(self._rest) if size < 0 else size
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def _retry_after(value: str) -> float | None:
    """Seconds from the header's number or date; `None` where it says neither."""
    if value.strip().isdecimal():
        return float(value[:12])
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    now = datetime.datetime.now(at.tzinfo or datetime.UTC)
    return max(0.0, (at.replace(tzinfo=at.tzinfo or datetime.UTC) - now).total_seconds())


def _user_agent() -> str:
    try:
        return f"paperchat/{version('paperchat')}"
    except PackageNotFoundError:
        return "paperchat"
