"""The server as its users run it: a process of its own with the bundled models, called by OpenAI's own client."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from rag.index import MANIFEST
from tests.real.conftest import PATIENCE, Paperchat, Result
from tests.real.serving import KEY, Server

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

QUESTION = "What does MInference speed up, and by how much?"


@pytest.fixture(scope="module")
def served(filled: tuple[Paperchat, Result], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(filled[0].copy(tmp_path_factory.mktemp("served")), PAPERCHAT_API_KEY=KEY)
    try:
        yield server.wait()
    finally:
        server.stop()
        log = server.log.read_text(encoding="utf-8")
        assert KEY not in log
        assert "Traceback" not in log, log


def test_openais_client_gets_the_same_answer_whole_and_streamed(served: Server) -> None:
    client = served.client()
    assert [model.id for model in client.models.list()] == ["paperchat", "paperchat-quotes"]
    messages: Any = [{"role": "user", "content": QUESTION}]
    whole = client.chat.completions.create(model="paperchat", messages=messages)
    assert "10x" in (whole.choices[0].message.content or "")
    assert "[1]" in (whole.choices[0].message.content or "")
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0
    answer = whole.model_extra["paperchat"]
    assert answer["citations"][0]["title"].startswith("MInference")
    chunks = list(
        client.chat.completions.create(
            model="paperchat", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    (last,) = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert last.model_extra["paperchat"]["sentences"] == answer["sentences"]


def test_openais_client_raises_its_own_errors(served: Server) -> None:
    messages: Any = [{"role": "user", "content": QUESTION}]
    with pytest.raises(openai.NotFoundError):
        served.client().chat.completions.create(model="gpt-4", messages=messages)
    with pytest.raises(openai.BadRequestError):
        served.client().chat.completions.create(model="paperchat", messages=messages, n=2)
    with pytest.raises(openai.AuthenticationError):
        served.client().with_options(api_key="wrong").models.list()


def test_a_client_that_leaves_ends_the_real_computation(served: Server) -> None:
    messages: Any = [{"role": "user", "content": "What is proposed for long context, and why does it help?"}]
    stream = served.client().chat.completions.create(model="paperchat", messages=messages, stream=True)
    next(iter(stream))
    stream.close()
    end = time.monotonic() + PATIENCE
    while served.metric("paperchat_answers_running") and time.monotonic() < end:
        time.sleep(0.05)
    assert served.metric("paperchat_answers_running") == 0


def test_two_ask_while_papers_come_in(served: Server, filled: tuple[Paperchat, Result]) -> None:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/x-ndjson"}
    frogs = {"_id": "frogs", "title": "Frogs jump", "text": "Young frogs jump 3 m far. Old frogs rest."}
    answers: list[str] = []

    def ask() -> None:
        messages: Any = [{"role": "user", "content": QUESTION}]
        done = served.client().chat.completions.create(model="paperchat-quotes", messages=messages)
        answers.append(done.choices[0].message.content or "")

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    url = f"{served.url}/v1/papers"
    first = httpx.post(url, headers=headers, content=json.dumps(frogs), timeout=PATIENCE).json()
    again = httpx.post(url, headers=headers, content=json.dumps(frogs), timeout=PATIENCE).json()
    for thread in threads:
        thread.join()
    assert (first["new"], again["new"], again["unchanged"]) == (1, 0, 1)
    assert len(answers) == 2
    assert all("10x" in answer for answer in answers)
    record = httpx.get(f"{url}/frogs", headers=headers).json()
    assert record["source"] == "upload"
    rows = httpx.post(
        f"{served.url}/v1/search",
        headers=headers | {"content-type": "application/json"},
        json={"query": "frogs", "k": 1},
    ).json()
    assert rows[0]["paper_id"] == "frogs"


def test_a_head_that_comes_byte_by_byte_is_cut_off(served: Server) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        closed = False
        for _ in range(40):
            time.sleep(0.5)
            try:
                slow.sendall(b"x")
                slow.settimeout(0.01)
                closed = slow.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
            if closed:
                break
    assert closed


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n X: folded\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_odd_bytes_are_refused_and_the_server_goes_on(served: Server, request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while block := connection.recv(4096):
                answer += block
    assert answer == b"" or answer.split()[1] in (b"400", b"401", b"403", b"404"), answer[:200]
    assert b"Traceback" not in answer
    assert httpx.get(f"{served.url}/healthz").status_code == 200


def test_a_signal_ends_streams_in_order_and_leaves_the_index_sound(copied: Paperchat) -> None:
    server = Server(copied, PAPERCHAT_API_KEY=KEY).wait()
    messages: Any = [{"role": "user", "content": QUESTION}]
    stream = iter(server.client().chat.completions.create(model="paperchat", messages=messages, stream=True))
    next(stream)
    server.process.send_signal(signal.SIGTERM)
    chunks = list(stream)
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert server.process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log.read_text(encoding="utf-8")
    assert copied("status", "--json").value["papers"] == len(copied.papers())


def test_a_signal_during_an_ingest_leaves_an_index_that_goes_on(copied: Paperchat, tmp_path: Path) -> None:
    rows = [
        {"_id": f"p{n}", "title": f"Paper {n}", "text": f"We count {n} things. They are many."} for n in range(3000)
    ]
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    server = Server(copied, "--no-generate", PAPERCHAT_API_KEY=KEY, TMPDIR=str(scratch)).wait()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/x-ndjson"}

    def upload() -> None:
        with suppress(httpx.HTTPError):
            httpx.post(f"{server.url}/v1/papers", headers=headers, content=body, timeout=PATIENCE)

    thread = threading.Thread(target=upload)
    before = server.metric("paperchat_papers")
    thread.start()
    end = time.monotonic() + PATIENCE
    while server.metric("paperchat_papers") == before and time.monotonic() < end:
        time.sleep(0.02)
    assert server.stop() in (0, -signal.SIGTERM)
    thread.join()
    assert list(scratch.glob("paperchat-upload-*")) == []
    counts = copied("status", "--json").value
    assert counts["papers"] == len(copied.papers())
    small = copied.write("again.jsonl", *rows[:600])
    assert copied("ingest", small, "--json").value["new"] >= 0
    assert (copied.index / MANIFEST).is_file()
    found = copied("search", "count things", "--k", "5", "--json").value
    assert len(found) == 5


def test_what_cannot_be_loaded_ends_the_server_with_one_sentence(copied: Paperchat) -> None:
    done = copied("serve", "--port", "0", "--model", str(copied.folder / "nothing"))
    assert done.code == 1
    assert "cannot be" in done.err
    assert "Traceback" not in done.err


def test_other_machines_need_a_token(copied: Paperchat) -> None:
    done = copied("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.code == 2
    assert "PAPERCHAT_API_KEY" in done.error
