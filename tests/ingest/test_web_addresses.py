"""Papers by address, against a server of our own on loopback that answers as the sites do."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from ingest.records import Record, Rejected
from ingest.sources import fetching, web
from rag.errors import SourceError, UsageError
from rag.types import Paper

pytestmark = pytest.mark.enable_socket

FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">
<id>https://arxiv.org/api/invented</id><title>arXiv Query</title>
<opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"""
ENTRY = """<entry><id>http://arxiv.org/abs/{id}v1</id><title>Tides {id}</title><summary>About tides.</summary>
<published>2024-10-08T00:00:00Z</published><author><name>A. One</name></author></entry>"""


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def feed(*ids: str, total: int = 0) -> Answer:
    entries = "".join(ENTRY.format(id=name) for name in ids)
    return Answer(FEED.format(entries=entries, total=total or len(ids)).encode())


@dataclass
class Request:
    path: str
    query: dict[str, list[str]]
    agent: str
    at: float


class Server:
    """Answers what the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                agent = self.headers["User-Agent"]
                outer.requests.append(Request(parts.path, parse_qs(parts.query), agent, time.monotonic()))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # the reader had enough
                    self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    yield server
    server.close()


Read = Callable[..., list[Record]]


@pytest.fixture
def read(server: Server) -> Read:
    def read_all(address: str, *answers: Answer, pause: float = 0.0, most: int = 200) -> list[Record]:
        server.answers = list(answers)
        base_urls = {"arxiv": server.url, "huggingface": server.url}
        return list(web.read_address(address, base_urls=base_urls, pause=pause, most=most))

    return read_all


def ids(records: list[Record]) -> list[str | None]:
    return [record.arxiv_id for record in records if isinstance(record, Paper)]


def failure(read: Read, address: str, *answers: Answer) -> str:
    with pytest.raises(SourceError) as error:
        read(address, *answers)
    message = str(error.value)
    assert re.fullmatch(r"[^\n]+[.)] [A-Z][^\n]+\.", message), message  # what is wrong, and then what to do
    return message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arxiv:2410.05983", True),
        ("arXiv:2410.05983", True),
        ("arxiv-search:tides", True),
        ("daily-papers:2025-11-05", True),
        ("daily-papers", False),
        ("arxiv.json", False),
        ("./arxiv:x", False),
        ("https://arxiv.org/abs/2410.05983", False),
        ("", False),
    ],
)
def test_what_is_an_address(text: str, expected: bool) -> None:
    assert web.is_address(text) is expected


def test_papers_by_their_ids(server: Server, read: Read) -> None:
    records = read(
        "arXiv: 2410.00001, arXiv:2410.00002v3,math.GT/0309136,2410.00001",
        feed("2410.00001", "2410.00002", "math/0309136"),
    )
    assert ids(records) == ["2410.00001", "2410.00002", "math/0309136"]
    (request,) = server.requests
    assert request.path == "/api/query"
    assert request.query["id_list"] == ["2410.00001,2410.00002v3,math/0309136"]
    assert request.agent.startswith("paperchat")
    assert {record.source for record in records} == {"arXiv: 2410.00001, arXiv:2410.00002v3,math.GT/0309136,2410.00001"}


def test_ids_that_arxiv_does_not_know_are_told(read: Read) -> None:
    address = "arxiv:2410.00001,2410.00002"
    assert read(address, feed("2410.00001"))[1:] == [Rejected(address, "2410.00002", "arXiv has no such paper")]
    assert len(read(address, feed())) == 2
    empty = Answer(feed("2410.00001").body.replace(b"About tides.", b""))
    assert read(address, empty) == [
        Rejected(address, "entry 1", "no abstract"),
        Rejected(address, "2410.00001, 2410.00002", "arXiv has no paper for 1 of these"),
    ]


def test_many_ids_are_asked_for_in_parts(server: Server, read: Read) -> None:
    names = [f"2410.{number:05}" for number in range(70)]
    assert ids(read("arxiv:" + ",".join(names), feed(*names[:50]), feed(*names[50:]))) == names
    assert [len(request.query["id_list"][0].split(",")) for request in server.requests] == [50, 20]


def test_a_search_goes_on_until_there_is_no_more(server: Server, read: Read) -> None:
    names = [f"2410.{number:05}" for number in range(130)]
    found = read('arxiv-search:long "context window"', feed(*names[:100], total=130), feed(*names[100:], total=130))
    assert ids(found) == names
    assert server.requests[0].query["search_query"] == ['all:long AND all:"context window"']
    assert [request.query["start"] for request in server.requests] == [["0"], ["100"]]
    assert [request.query["max_results"] for request in server.requests] == [["100"], ["100"]]


def test_a_search_stops_at_its_limit(server: Server, read: Read) -> None:
    names = [f"2410.{number:05}" for number in range(150)]
    found = read("arxiv-search:au:knuth", feed(*names[:100], total=9000), feed(*names[100:], total=9000), most=150)
    assert len(found) == 150
    assert server.requests[0].query["search_query"] == ["au:knuth"]
    assert server.requests[1].query["max_results"] == ["50"]


def test_a_page_that_is_empty_in_the_middle_is_asked_for_again(server: Server, read: Read) -> None:
    names = [f"2410.{number:05}" for number in range(101)]
    first, nothing = feed(*names[:100], total=101), feed(total=101)
    assert ids(read("arxiv-search:tides", first, nothing, feed(names[100], total=101))) == names
    *_, last = read("arxiv-search:tides", first, nothing)
    reason = "arXiv sends no more results for now; try again later"
    assert last == Rejected("arxiv-search:tides", "result 101", reason)


def test_a_search_without_results(read: Read) -> None:
    assert read("arxiv-search:nothing", feed()) == []


def test_the_papers_of_a_day(server: Server, read: Read) -> None:
    entry = {"paper": {"id": "2410.00001", "title": "T", "summary": "About."}, "numComments": 3}
    (paper,) = read("daily-papers:2025-11-05", Answer(json.dumps([entry]).encode()))
    assert isinstance(paper, Paper)
    assert (paper.arxiv_id, paper.comments, paper.source) == ("2410.00001", 3, "daily-papers:2025-11-05")
    assert server.requests[0].path == "/api/daily_papers"
    assert server.requests[0].query["date"] == ["2025-11-05"]
    assert read("daily-papers:2025-11-08", Answer(b"[]")) == []


@pytest.mark.parametrize(
    "address",
    [
        "arxiv:",
        "arxiv: , ,",
        "arxiv:nonsense",
        "arxiv:2410.05983,../etc",
        "arxiv-search: ",
        "daily-papers:today",
        "daily-papers:2025-13-01",
    ],
)
def test_an_address_that_names_nothing_is_told_before_anything_is_asked(
    address: str, server: Server, read: Read
) -> None:
    with pytest.raises(UsageError, match=r"\. Write it as in "):
        read(address, feed())
    assert server.requests == []


@pytest.mark.slow
def test_requests_keep_their_distance_from_one_address_to_the_next(server: Server, read: Read) -> None:
    read("arxiv:2410.00001", feed("2410.00001"), pause=0.15)
    read("arxiv:2410.00001", feed("2410.00001"), pause=0.15)
    first, second = server.requests
    assert second.at - first.at >= 0.15


def test_a_busy_site_is_asked_three_times(server: Server, read: Read) -> None:
    busy = Answer(b"Rate exceeded.", 429, {"Retry-After": "0"})
    assert ids(read("arxiv:2410.00001", busy, Answer(status=503), feed("2410.00001"))) == ["2410.00001"]
    assert len(server.requests) == 3
    assert failure(read, "arxiv:2410.00001", busy) == ("arXiv is busy or asks us to wait (HTTP 429). Try again later.")
    assert len(server.requests) == 6


@pytest.mark.parametrize("later", ["3600", formatdate(time.time() + 3600, usegmt=True)], ids=["seconds", "date"])
def test_a_long_wait_is_left_to_the_user(later: str, server: Server, read: Read) -> None:
    message = failure(read, "arxiv:2410.00001", Answer(status=503, headers={"Retry-After": later}))
    assert re.search(r"Try again in 3[2-6]\d\d seconds\.$", message)
    assert len(server.requests) == 1


@pytest.mark.slow
def test_a_short_wait_is_kept(server: Server, read: Read) -> None:
    busy = Answer(status=429, headers={"Retry-After": "1"})
    assert len(read("arxiv:2410.00001", busy, feed("2410.00001"))) == 1
    assert server.requests[1].at - server.requests[0].at >= 1.0


def test_a_refusal_is_told_at_once(server: Server, read: Read) -> None:
    assert failure(read, "daily-papers:2025-11-05", Answer(b"no", 404)) == (
        "Hugging Face refused the request (HTTP 404). Check the address."
    )
    assert len(server.requests) == 1
    said = feed("x").body.replace(b"abs/xv1", b"api/errors#x").replace(b"About tides.", b"bad query")
    assert read("arxiv-search:((", Answer(said, 400)) == [
        Rejected("arxiv-search:((", "entry 1", "arXiv answers: bad query")
    ]


def test_an_answer_of_another_kind_is_told(read: Read) -> None:
    for address in ("arxiv:2410.00001", "daily-papers:2025-11-05"):
        message = failure(read, address, Answer(b"<html><body>Sign in to this network</body></html>"))
        assert "answered with something other than papers" in message


def test_no_other_host_is_ever_asked(server: Server, read: Read) -> None:
    there = Answer(status=302, headers={"Location": "/elsewhere"})
    assert ids(read("arxiv:2410.00001", there, feed("2410.00001"))) == ["2410.00001"]
    assert server.requests[1].path == "/elsewhere"
    for target in ("http://localhost:1/x", "https://example.org/", "file:///etc/passwd", "//example.org/x"):
        message = failure(read, "arxiv:2410.00001", Answer(status=302, headers={"Location": target}))
        assert "nothing is fetched from" in message or "could not be reached" in message
    before = len(server.requests)
    failure(read, "arxiv:2410.00001", there)
    assert len(server.requests) - before == 1 + fetching.MOST_REDIRECTS


ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://localhost:{port}/",
    "http://127.0.0.1.nip.io:{port}/",
    "http://127.0.0.1:{other}/",
    "http://127.0.0.1@169.254.169.254/",
    "http://127.0.0.1:{port}@evil.example/",
    "http://evil.example#@127.0.0.1:{port}/",
    "http://evil.example\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "data:application/atom+xml,<feed/>",
    "//169.254.169.254/",
    "///169.254.169.254/",
    "/\\169.254.169.254/",
)


@pytest.mark.parametrize("location", ELSEWHERE)
def test_no_redirection_leads_anywhere_else(
    location: str, server: Server, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = urlsplit(server.url).port
    asked: list[tuple[str, int]] = []
    connect = socket.create_connection

    def noted(address: tuple[str, int], *rest: object, **more: object) -> socket.socket:
        asked.append(address[:2])
        return connect(address, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", noted)
    target = location.format(port=port, other=(port or 0) % 60_000 + 1)
    with contextlib.suppress(SourceError):
        read("arxiv:2410.00001", Answer(status=302, headers={"Location": target}), feed("2410.00001"))
    assert asked
    assert set(asked) == {("127.0.0.1", port)}


@pytest.mark.parametrize(
    "address",
    [
        "arxiv:http://169.254.169.254/",
        "arxiv:2130706433",
        "arxiv:../../etc/passwd",
        "arxiv:2410.05983@evil.example",
        "arxiv:2410.05983#/../x",
        "daily-papers:2025-11-05/../../x",
        "daily-papers:http://10.0.0.1/",
        "daily-papers:2025-11-05&date=x",
        "arxiv-search:http://10.0.0.1/ OR all:x&id_list=1\r\nHost: evil.example",
    ],
)
def test_an_address_says_what_is_asked_never_where(address: str, server: Server, read: Read) -> None:
    with contextlib.suppress(UsageError, SourceError):
        read(address, feed("2410.00001"))
    for request in server.requests:
        assert request.path in ("/api/query", "/api/daily_papers")
        assert set(request.query) <= {"search_query", "id_list", "start", "max_results", "sortBy", "date", "limit"}


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br"])
def test_an_answer_packed_as_nobody_asked_is_refused(encoding: str, read: Read) -> None:
    answer = Answer(feed("2410.00001").body, headers={"Content-Encoding": encoding})
    assert "an encoding that was not asked for" in failure(read, "arxiv:2410.00001", answer)


def test_a_packed_answer_is_counted_unpacked(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    monkeypatch.setattr(fetching, "LONGEST_ANSWER", 1_000_000)
    packed = gzip.compress(feed("2410.00001").body)
    assert len(read("arxiv:2410.00001", Answer(packed, headers={"Content-Encoding": "gzip"}))) == 1
    bomb = gzip.compress(feed("2410.00001").body[:-7] + b" " * 20_000_000)
    assert "over 50 MB" in failure(read, "arxiv:2410.00001", Answer(bomb, headers={"Content-Encoding": "gzip"}))


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    monkeypatch.setattr(fetching, "LONGEST_ANSWER", 100_000)
    big = feed(*(f"2410.{number:05}" for number in range(2000)))
    assert failure(read, "arxiv:2410.00001", big).startswith("arXiv sends over 50 MB for one request")


def test_a_slow_answer_is_cut(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    monkeypatch.setattr(fetching, "SECONDS_AN_ANSWER", -1.0)
    assert "for over five minutes" in failure(read, "arxiv:2410.00001", feed("2410.00001"))


def test_an_answer_that_breaks_off_is_told_after_the_papers_before_it(server: Server) -> None:
    body = feed(*(f"2410.{number:05}" for number in range(2000))).body
    server.answers = [Answer(body, headers={"Content-Length": str(len(body) + 5000)})]
    records = web.read_address("arxiv:2410.00001", base_urls={"arxiv": server.url}, pause=0)
    assert isinstance(next(records), Paper)
    with pytest.raises(SourceError, match=r"^arXiv could not be reached \(.*\)\. Check the network, or save the page"):
        list(records)


def test_a_site_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SourceError, match=r"^arXiv could not be reached \(.*\)\. Check the network, or save the page"):
        list(web.read_address("arxiv:2410.00001", base_urls={"arxiv": url}, pause=0))


def test_only_https_to_known_hosts_without_a_base() -> None:
    assert web.HOSTS == {"arxiv": "https://export.arxiv.org", "huggingface": "https://huggingface.co"}
