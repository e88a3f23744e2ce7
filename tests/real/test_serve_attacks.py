"""What somebody might try on the served API with bytes of their own making: sockets, not a client that tidies up."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.real.conftest import PATIENCE, Paperchat
from tests.real.serving import KEY, Server
from ui.api.bodies import SILENT_SECONDS

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

BINARY = {"authorization": f"Bearer {KEY}", "content-type": "application/octet-stream"}
PAPER = json.dumps({"_id": "whales", "title": "Songs of Whales", "text": "Humpback whales sing songs for many hours."})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """The API over one paper, and the folder that uploads are stored in."""
    folder = tmp_path_factory.mktemp("attacked")
    paperchat = Paperchat(folder, program="tests.real.serve_process")
    (folder / "papers.jsonl").write_text(PAPER, encoding="utf-8")
    assert paperchat("ingest", "papers.jsonl", "--json").value["new"] == 1
    scratch = folder / "scratch"
    scratch.mkdir()
    server = Server(paperchat, "--no-generate", PAPERCHAT_API_KEY=KEY, TMPDIR=str(scratch))
    try:
        yield server.wait(), scratch
    finally:
        server.stop()
        log = server.log.read_text(encoding="utf-8")
        assert "Traceback" not in log, log
        assert KEY not in log
        assert all(line.startswith(("{", "Starting", "Warning")) for line in log.splitlines()), log


def sent(server: Server, data: bytes) -> bytes:
    """What the server answers to these bytes, and nothing after them."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(data)
        answer = b""
        with suppress(ConnectionResetError):
            while block := connection.recv(65_536):
                answer += block
    return answer


def get(path: str, *headers: str, host: str = "127.0.0.1", key: str = KEY) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/v1/papers/../../../../etc/passwd",
        "/v1/papers//etc/passwd",
        "/v1/papers/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/v1/papers/%252e%252e%252fetc%252fpasswd",
        "/v1/papers/..\\..\\..\\etc\\passwd",
        "/v1/papers/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
        "/v1/papers/．．／．．／etc／passwd",
        "/v1/papers/file:///etc/passwd",
        "/v1/papers/papers.sqlite",
        "/v1/papers/%00whales",
        "/v1/papers/whales%00.json",
        "/v1/papers/whales'%20OR%20'1'='1",
        "/v1/papers/%0d%0aSet-Cookie:%20a=b",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/openapi.json/../../etc/passwd",
        "//evil.example/v1/papers/whales",
        "/%2e%2e/%2e%2e/proc/self/environ",
        "*",
    ],
)
def test_no_path_leads_out_of_the_api(served: tuple[Server, Path], path: str) -> None:
    answer = sent(served[0], get(path))
    assert answer.split()[1] in (b"400", b"404"), answer[:300]
    assert b"root:" not in answer
    assert b"set-cookie" not in answer.lower().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (get("/v1/models", host="evil.example"), (403,)),
        (get("/v1/models", host="localhost."), (403,)),
        (get("/v1/models", host="127.0.0.1.evil.example"), (403,)),
        (get("/v1/models", host="2130706433"), (403,)),
        (get("/v1/models", host="①②⑦.0.0.1"), (403, 400)),
        (get("/v1/models", host="[::ffff:127.0.0.1]"), (403,)),
        (get("/v1/models", "X-Forwarded-Host: localhost", host="evil.example"), (403,)),
        (get("/v1/models", "Origin: http://evil.example"), (403,)),
        (get("/v1/models", "Origin: null"), (403,)),
        (get("/v1/models", "Sec-Fetch-Site: cross-site"), (403,)),
        (get("/v1/models", key="x"), (401,)),
        (get("/v1/models", key=f"{KEY} x"), (401,)),
        (get("/v1/models", key=KEY.upper()), (401,)),
        (get("/v1/models", key=f"{KEY}\u200b"), (401, 400)),
        (get("/v1/models", key=KEY[:-1]), (401,)),
        (get("/v1/models", "Authorization: Bearer x", key=KEY), (200, 401)),
        (get("/v1/models", f"Authorization: Bearer {KEY}", key="x"), (401,)),
        (get("/v1/models", "X-Original-URL: /healthz", "X-Rewrite-URL: /healthz", key="x"), (401,)),
        (get("/v1/models", "X-HTTP-Method-Override: DELETE", "X-Forwarded-For: 127.0.0.1", key="x"), (401,)),
        (get("/healthz/../v1/models", key="x"), (401,)),
        (get("/healthz%2f..%2fv1%2fmodels", key="x"), (401,)),
        (get("/V1/models", key="x"), (401,)),
        (get("http://127.0.0.1/healthz?/v1/models", key="x"), (400, 401)),
        (get("/v1/models", "Cookie: a=b", "X: " + "a" * 2_000_000), (400,)),
        (get("/v1/models", "Content-Length: +5"), (400,)),
        (get("/v1/models", "Content-Length: 5, 5", "Content-Length: 6"), (400,)),
        (get("/v1/models", "Transfer-Encoding: chunked, identity"), (400, 501)),
        (get("/v1/models", "X-Request-Id: a\tb", "X-Request-Id: c"), (200,)),
    ],
    ids=lambda value: repr(value.replace(KEY.encode(), b"KEY"))[2:90] if isinstance(value, bytes) else "",
)
def test_no_header_opens_a_door(served: tuple[Server, Path], request_bytes: bytes, statuses: tuple[int, ...]) -> None:
    answer = sent(served[0], request_bytes)
    assert int(answer.split()[1]) in statuses, answer[:300]
    if int(answer.split()[1]) != 200:
        assert b"paperchat-quotes" not in answer


BOMBS = {
    "gzip": gzip.compress(b'{"title": "T", "text": "' + b" " * 200_000_000, 9),
    "gzip in gzip": gzip.compress(gzip.compress(b" " * 200_000_000, 9), 9),
    "billion laughs": b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>&j;</title><summary>&j;</summary></entry></feed>]>',
    "a file of the server": b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>&e;</title><summary>&e;</summary></entry></feed>',
    "brackets": b"[" * 5_000_000,
    "a path": b"/etc/passwd",
    "an address": b"http://169.254.169.254/latest/meta-data/",
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_upload_that_would_fill_the_memory_is_refused_and_gone(served: tuple[Server, Path], name: str) -> None:
    server, scratch = served
    before = server.metric("process_resident_memory_bytes")
    answer = httpx.post(f"{server.url}/v1/papers", headers=BINARY, content=BOMBS[name], timeout=PATIENCE)
    assert answer.status_code == 400, answer.text
    assert "root:" not in answer.text
    assert str(scratch) not in answer.text
    assert list(scratch.glob("paperchat-upload-*")) == []
    # Far less than what it unpacks to.
    assert server.metric("process_resident_memory_bytes") - before < 150_000_000
    assert httpx.get(f"{server.url}/v1/papers/whales", headers=BINARY).status_code == 200


def test_junk_without_end_is_left_when_its_sender_leaves(served: tuple[Server, Path]) -> None:
    server, scratch = served
    junk = gzip.compress(b'{"title": "T"}\n' * 12_000_000, 9)
    with suppress(httpx.ReadTimeout):
        httpx.post(f"{server.url}/v1/papers", headers=BINARY, content=junk, timeout=2)
    end = time.monotonic() + PATIENCE / 2
    while list(scratch.glob("paperchat-upload-*")) and time.monotonic() < end:
        time.sleep(0.1)
    assert list(scratch.glob("paperchat-upload-*")) == []
    again = httpx.post(f"{server.url}/v1/papers", headers=BINARY, content=PAPER, timeout=PATIENCE)
    assert again.json()["unchanged"] == 1


def test_a_body_that_comes_slowly_is_answered_and_cut_off(served: tuple[Server, Path]) -> None:
    server, _ = served
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=SILENT_SECONDS * 4) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(head.encode())
        # Meanwhile others are served.
        rows = httpx.post(
            f"{server.url}/v1/search", headers=BINARY | {"content-type": "application/json"}, json={"query": "whales"}
        )
        assert rows.json()[0]["paper_id"] == "whales"
        assert {connection.recv(4096).split()[1] for connection in slow} == {b"408"}
    finally:
        for connection in slow:
            connection.close()
