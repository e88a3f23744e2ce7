"""A language model behind an OpenAI-compatible address.

`transformers serve` itself is asked where it can start: it needs the package `openai`, which paperchat does
not. Everything else is asked of a small server here that speaks the same streaming protocol.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from rag.adapters.bundled import ensure_converted
from rag.adapters.server import ServerGenerator
from rag.config import Config
from rag.errors import GenerationError, ModelError
from rag.protocols import GenerationLimits
from tests.real.conftest import PATIENCE, Paperchat, Result, environment

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

MESSAGES = [{"role": "user", "content": "Name one colour."}]
QUESTION = "What does MInference speed up, and by how much?"
ANSWER = "MInference cuts pre-filling latency on an A100 by up to 10x without losing accuracy [1]."
Script = Callable[["Speaker"], None]


class Speaker(BaseHTTPRequestHandler):
    """Answers `GET models` with the server's list and `POST chat/completions` with its script."""

    protocol_version = "HTTP/1.1"
    server: OpenAIServer  # type: ignore[assignment]

    def do_GET(self) -> None:
        server = self.server
        server.headers.append(dict(self.headers))
        data = {"object": "list", "data": [{"id": name, "object": "model"} for name in server.models]}
        self.plain(server.list_status, json.dumps(data))

    def do_POST(self) -> None:
        self.server.headers.append(dict(self.headers))
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        with suppress(BrokenPipeError, ConnectionResetError):
            self.server.script(self)

    def plain(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def raw(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, value: Any) -> None:
        self.raw(f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n")

    def piece(self, text: str) -> None:
        self.event({"choices": [{"index": 0, "delta": {"content": text}}]})

    def finish(self) -> None:
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def die(self) -> None:
        """Hangs up in the middle."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: Any) -> None:  # type: ignore[override]
        """Says nothing."""


class OpenAIServer(ThreadingHTTPServer):
    """A server on a loopback port, a free one for 0; `script` writes each answer."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Speaker)
        self.models = ["small-model", "large-model"]
        self.list_status = 200
        self.script: Script = says(ANSWER)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def handle_error(self, *args: Any) -> None:
        """Says nothing: clients hang up on purpose here, and servers die."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


def says(text: str) -> Script:
    def script(to: Speaker) -> None:
        to.begin()
        to.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]})
        for word in re.findall(r"\S+\s*", text):
            to.piece(word)
        to.finish()

    return script


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    made = OpenAIServer()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(generator: ServerGenerator, cancel: threading.Event | None = None) -> Iterator[str]:
    return generator.stream(MESSAGES, GenerationLimits(50), cancel or threading.Event())


# --- what works ----------------------------------------------------------------------------------------


def test_an_answer_comes_piece_by_piece(server: OpenAIServer) -> None:
    go_on = threading.Event()

    def script(to: Speaker) -> None:
        to.begin()
        to.piece("Blue ")
        assert go_on.wait(PATIENCE)
        to.piece("is one.")
        to.finish()

    server.script = script
    pieces = ask(ServerGenerator(server.url, "", ""))
    assert next(pieces) == "Blue "
    go_on.set()
    assert list(pieces) == ["is one."]


def test_what_the_server_is_asked(server: OpenAIServer) -> None:
    assert "".join(ask(ServerGenerator(server.url + "/", "large-model", "s3cret"))) == ANSWER
    (body,) = server.bodies
    assert body["model"] == "large-model"
    assert body["messages"] == MESSAGES
    assert body["stream"] is True
    assert (body["max_tokens"], body["temperature"]) == (50, 0)
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer s3cret"}


def test_the_first_model_listed_is_taken(server: OpenAIServer) -> None:
    generator = ServerGenerator(server.url, "", "")
    assert (generator.name, generator.device) == ("small-model", "server")
    list(ask(generator))
    assert server.bodies[0]["model"] == "small-model"
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize("status", [404, 500, 501])
def test_a_server_that_cannot_list_its_models_is_asked_by_name(server: OpenAIServer, status: int) -> None:
    # `transformers serve` answers 500 where the machine has no model hub cache, and serves its own model all the same.
    server.list_status = status
    assert "".join(ask(ServerGenerator(server.url, "any-model", ""))) == ANSWER


@pytest.mark.parametrize(
    "lines",
    [
        'data:{"choices":[{"delta":{"content":"Blue."}}]}\n\ndata:[DONE]\n\n',
        ': keep-alive\n\nevent: message\ndata: {"choices":[{"delta":{"content":"Blue."}}]}\n\ndata: [DONE]\n\n',
        'data: {"choices":[]}\r\n\r\ndata: {"choices":[{"delta":{"content":"Blue."}}]}\r\n\r\ndata: [DONE]\r\n\r\n',
        'data: {"choices":[{"delta":null}]}\n\ndata: {"choices":[{"delta":{"content":"Blue."}}]}\n\ndata: [DONE]\n\n',
    ],
    ids=["no space", "comments", "windows line ends", "empty events"],
)
def test_the_protocol_in_other_servers_spelling(server: OpenAIServer, lines: str) -> None:
    def script(to: Speaker) -> None:
        to.begin()
        to.raw(lines)
        to.wfile.write(b"0\r\n\r\n")

    server.script = script
    assert "".join(ask(ServerGenerator(server.url, "", ""))) == "Blue."


def test_a_stop_hangs_up_so_that_the_server_stops_too(server: OpenAIServer) -> None:
    hung_up = threading.Event()

    def script(to: Speaker) -> None:
        to.begin()
        try:
            while True:
                to.piece("on and on ")
                time.sleep(0.005)
        except OSError:
            hung_up.set()

    server.script = script
    cancel = threading.Event()
    pieces = ask(ServerGenerator(server.url, "", ""), cancel)
    next(pieces)
    cancel.set()
    assert len(list(pieces)) < 1000
    assert hung_up.wait(PATIENCE)


def test_a_checked_answer_from_a_server(server: OpenAIServer, filled: tuple[Paperchat, Result]) -> None:
    answer = filled[0]("ask", QUESTION, "--model", server.url, "--server-model", "large-model", "--json").value
    assert answer["model"] == "large-model"
    assert answer["mode"] == "generated"
    assert answer["sentences"][0]["text"] == ANSWER.replace(" [1]", "")
    assert answer["citations"][0]["title"].startswith("MInference 1.0")
    prompt = " ".join(message["content"] for message in server.bodies[0]["messages"])
    assert "10x" in prompt


# --- what goes wrong -----------------------------------------------------------------------------------


def flags_in(message: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]+", message))


def test_a_server_that_is_down(filled: tuple[Paperchat, Result]) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    result = filled[0]("ask", QUESTION, "--model", url, "--json")
    assert (result.code, result.out) == (1, "")
    assert url in result.error
    assert "Start it" in result.error


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/v1", "http://", "http://[::1/v1", "http://no host/v1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ModelError) as error:
        ServerGenerator(url, "", "")
    assert "check the URL" in str(error.value)


def test_a_server_without_models(server: OpenAIServer) -> None:
    server.models = []
    with pytest.raises(ModelError) as error:
        ServerGenerator(server.url, "", "")
    assert "--server-model" in str(error.value)


def test_a_model_that_the_server_does_not_have(server: OpenAIServer) -> None:
    with pytest.raises(ModelError) as error:
        ServerGenerator(server.url, "huge-model", "")
    assert "'huge-model'" in str(error.value)
    assert "small-model, large-model" in str(error.value)


def test_a_wrong_token_is_told_and_the_advice_can_be_followed(
    server: OpenAIServer, filled: tuple[Paperchat, Result]
) -> None:
    server.list_status = 401
    result = filled[0]("ask", QUESTION, "--model", server.url, "--json")
    assert (result.code, result.out) == (1, "")
    assert "401" in result.error
    known = flags_in(filled[0]("ask", "--help").out)
    assert flags_in(result.error) <= known


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_an_answer_that_is_refused(server: OpenAIServer, status: int) -> None:
    server.script = lambda to: to.plain(status, '{"error": {"message": "no"}}')
    with pytest.raises(GenerationError) as error:
        list(ask(ServerGenerator(server.url, "", "")))
    assert str(status) in str(error.value)


def test_a_server_that_dies_in_the_middle(server: OpenAIServer) -> None:
    def script(to: Speaker) -> None:
        to.begin()
        to.piece("Blue ")
        to.piece("is ")
        to.die()

    server.script = script
    generator = ServerGenerator(server.url, "", "")
    pieces = ask(generator)
    assert [next(pieces), next(pieces)] == ["Blue ", "is "]
    with pytest.raises(GenerationError) as error:
        next(pieces)
    assert server.url in str(error.value)
    server.script = says(ANSWER)
    assert "".join(ask(generator)) == ANSWER


def test_a_server_that_dies_before_the_first_word(server: OpenAIServer) -> None:
    server.script = Speaker.die
    with pytest.raises(GenerationError):
        list(ask(ServerGenerator(server.url, "", "")))


@pytest.mark.parametrize(
    "event",
    ['{"choices": [{"del', "null", "[1]", '"text"', '{"choices": 7}', '{"error": {"message": "out of memory"}}'],
)
def test_an_event_that_is_no_piece_of_an_answer(server: OpenAIServer, event: str) -> None:
    def script(to: Speaker) -> None:
        to.begin()
        to.piece("Blue ")
        to.event(event)
        to.wfile.write(b"0\r\n\r\n")

    server.script = script
    with pytest.raises(GenerationError):
        list(ask(ServerGenerator(server.url, "", "")))


# --- transformers serve --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `transformers serve` with the bundled model."""
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        pytest.skip("transformers serve needs packages that are not installed (openai)")
    model = ensure_converted(Config.load().cache)
    port = free_port()
    folder = tmp_path_factory.mktemp("serve")
    log = (folder / "log.txt").open("w+")
    (folder / "hub").mkdir()
    program = "from transformers.cli.transformers import main; main()"
    arguments = ["serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment(HF_HUB_OFFLINE="1", HF_HUB_CACHE=str(folder / "hub")),
        stdout=log,
        stderr=log,
    )
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            with suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2, trust_env=False).is_success:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                pytest.fail(f"transformers serve did not come up:\n{log.read()}")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def test_transformers_serve_answers(transformers_serve: str, filled: tuple[Paperchat, Result]) -> None:
    model = str(ensure_converted(Config.load().cache))
    generator = ServerGenerator(transformers_serve, model, "")
    pieces = list(ask(generator))
    assert len(pieces) > 1
    assert "".join(pieces).strip()
    arguments = ("ask", QUESTION, "--model", transformers_serve, "--server-model", model, "--json")
    answer = filled[0](*arguments).value
    assert answer["mode"] in ("generated", "quoted")
    assert answer["model"] == model
    assert re.search(r"10\s?[x×]", answer["answer"])
    assert answer["timings"]["new_tokens"] > 1


def test_transformers_serve_lists_no_local_model_so_it_has_to_be_named(transformers_serve: str) -> None:
    with pytest.raises(ModelError) as error:
        ServerGenerator(transformers_serve, "", "")
    assert "--server-model" in str(error.value)


def test_an_ask_through_a_path_that_does_not_exist(transformers_serve: str) -> None:
    wrong = transformers_serve.removesuffix("/v1") + "/v9"
    with pytest.raises((ModelError, GenerationError)) as error:
        list(ask(ServerGenerator(wrong, "any", "")))
    assert "404" in str(error.value)
