"""Secrets are planted in every setting that holds one; afterwards nothing that the program wrote holds any."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real.conftest import PATIENCE, Paperchat, command, environment
from tests.real.serving import Server

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

API_KEY = "planted-api-key-4711"
SERVER_KEY = "planted-server-key-4712"
USER, PASSWORD = "planted-user-4713", "planted-password-4714"
LOGIN = "planted-login-4715"
PLANTED = (API_KEY, SERVER_KEY, USER, PASSWORD, LOGIN, "planted-")
QUESTION = "What do the whales sing?"
PAPERS = [
    {"_id": "whales", "title": "Songs of Whales", "text": "Humpback whales sing songs for many hours. They change."},
    {"_id": "foo", "title": "FOO: A Sparse Index", "text": "FOO lowers memory use by 12% on the Bar benchmark."},
]


class ModelServer(BaseHTTPRequestHandler):
    """Answers, or fails in the way that its path names; tells whoever asks the headers they sent."""

    def do_GET(self) -> None:
        if "/refuses/" in self.path:
            self._send(401, json.dumps({"error": f"not with {dict(self.headers)}"}).encode())
        else:
            self._send(200, json.dumps({"data": [{"id": "a-model"}]}).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if "/breaks/" in self.path:
            self._send(500, f"failed with {dict(self.headers)}".encode())
            return
        text = {
            "choices": [{"delta": {"content": f"Humpback whales sing songs for many hours [1]. {SERVER_KEY} [1]."}}]
        }
        self._send(
            200, f"data: {json.dumps(text)}\n\ndata: [DONE]\n\n".encode() if "/works/" in self.path else b"data: {"
        )

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """Address of the model server, with a login in it; PATH stands for how it behaves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ModelServer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://{USER}:{PASSWORD}@127.0.0.1:{server.server_port}/PATH/v1"
    server.shutdown()


@pytest.fixture(scope="module")
def paperchat(tmp_path_factory: pytest.TempPathFactory) -> Paperchat:
    made = Paperchat(tmp_path_factory.mktemp("secrets"), program="tests.real.serve_process")
    assert made("ingest", made.write("papers.jsonl", *PAPERS), "--json").value["new"] == 2
    return made


def settings(model: str, path: str, paperchat: Paperchat) -> dict[str, str]:
    return {
        "PAPERCHAT_API_KEY": API_KEY,
        "PAPERCHAT_SERVER_KEY": SERVER_KEY,
        "PAPERCHAT_MODEL": model.replace("PATH", path),
        "PAPERCHAT_CONVERSATIONS": str(paperchat.folder / "conversations.sqlite"),
        "PAPERCHAT_REFUSE_BELOW": "-1",
    }


def leaks(text: str) -> list[str]:
    return [f"{secret}: {line[:300]}" for line in text.splitlines() for secret in PLANTED if secret in line]


def written(folder: Path) -> list[str]:
    """Files below the folder that hold a secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [f"{path}: {secret}" for path in files for secret in PLANTED if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("status",), "works"),
        (("doctor",), "works"),
        (("--debug", "doctor"), "refuses"),
        (("--debug", "ask", QUESTION), "refuses"),
        (("--debug", "ask", QUESTION), "breaks"),
        (("--debug", "ask", QUESTION), "cuts-off"),
        (("ask", QUESTION, "--json"), "breaks"),
        (("--debug", "search", QUESTION, "--json"), "works"),
        (("serve", "--port", "0", "--host", "192.0.2.1"), "works"),
        (("--debug", "serve", "--port", "0"), "refuses"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_no_command_shows_a_secret(paperchat: Paperchat, model: str, arguments: tuple[str, ...], path: str) -> None:
    done = paperchat(*arguments, env=settings(model, path, paperchat))
    assert leaks(done.out + done.err) == []
    assert written(paperchat.folder) == []


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("ask", QUESTION), {"PAPERCHAT_SERVER_KEY": f"{SERVER_KEY}\n"}),
        (("ask", QUESTION), {"PAPERCHAT_SERVER_KEY": f"{SERVER_KEY}\u00fc"}),
        (("ask", QUESTION), {"PAPERCHAT_MODEL": f"http://{USER}:{PASSWORD}@127.0.0.1:1/v1"}),
        (("ask", QUESTION), {"PAPERCHAT_MODEL": f"http://{USER}:{PASSWORD}@[/v1"}),
        (("doctor",), {"PAPERCHAT_MODEL": f"http://{USER}:{PASSWORD}@nowhere.invalid:99999/v1"}),
        (("ask", QUESTION), {"PAPERCHAT_CHROMA_URL": f"http://{USER}:{PASSWORD}@127.0.0.1:1"}),
        (("ingest", "--index", "new"), {"PAPERCHAT_CHROMA_URL": f"http://{USER}:{PASSWORD}@127.0.0.1:1"}),
        (("serve", "--port", "0"), {"PAPERCHAT_API_KEYS_FILE": "keys.txt"}),
        (("status",), {"PAPERCHAT_API_KEYY": API_KEY}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else next(iter(value)),
)
def test_a_setting_that_is_wrong_is_not_shown(
    paperchat: Paperchat, model: str, arguments: tuple[str, ...], wrong: dict[str, str]
) -> None:
    (paperchat.folder / "keys.txt").write_text(API_KEY, encoding="utf-8")
    env = {**settings(model, "works", paperchat), **wrong}
    done = paperchat("--debug", *arguments, env=env)
    assert done.code != 0
    assert leaks(done.out + done.err) == []
    (paperchat.folder / "keys.txt").unlink()
    assert written(paperchat.folder) == []


def test_a_run_that_is_measured_writes_none_down(paperchat: Paperchat, model: str) -> None:
    question = {"id": "q1", "kind": "fact", "question": QUESTION, "history": [], "gold": ["whales"], "facts": ["songs"]}
    asked = paperchat.write("questions.jsonl", question)
    report = paperchat.folder / "reports" / "answers"
    done = paperchat("eval", "answers", asked, "--report", report, env=settings(model, "cuts-off", paperchat))
    assert leaks(done.out + done.err) == []
    assert list(report.glob("*.json")), done.err
    assert written(paperchat.folder) == []


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_servers_log_and_answers_hold_none(paperchat: Paperchat, model: str, form: str) -> None:
    env = {**settings(model, "breaks", paperchat), "PAPERCHAT_LOG_FORMAT": form}
    server = Server(paperchat, **env).wait()
    told: list[str] = []
    try:
        right, wrong = {"authorization": f"Bearer {API_KEY}"}, {"authorization": f"Bearer {API_KEY}x"}
        body = {"model": "paperchat", "messages": [{"role": "user", "content": QUESTION}]}
        for headers in (right, wrong, {"authorization": f"Basic {API_KEY}"}, {"x-api-key": API_KEY}):
            for path in ("/v1/models", "/metrics", "/docs", "/openapi.json", "/readyz", f"/v1/papers/{API_KEY}x"):
                answer = httpx.get(f"{server.url}{path}", headers=headers)
                told.append("" if API_KEY in path else answer.text + str(answer.headers))
            for stream in (False, True):
                answer = httpx.post(
                    f"{server.url}/v1/chat/completions", json={**body, "stream": stream}, headers=headers, timeout=60
                )
                told.append(answer.text)
    finally:
        server.stop()
    log = server.log.read_text(encoding="utf-8")
    assert "model_failed" in "".join(told)
    assert leaks("\n".join(told)) == []
    assert leaks(log) == []


def test_the_page_and_what_it_keeps_hold_none(paperchat: Paperchat, model: str, tmp_path: Path) -> None:
    logins = tmp_path / "logins"
    logins.write_text(f"alice:{LOGIN}\n", encoding="utf-8")
    arguments = command("--debug", "chat", "--port", "0", "--auth", logins, program=paperchat.program)
    env = environment(PAPERCHAT_INDEX=str(paperchat.index), **settings(model, "breaks", paperchat))
    process = subprocess.Popen(
        arguments, cwd=paperchat.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    url = process.stdout.readline().split(" is at ")[1].split()[0].rstrip("/")
    told: list[str] = []
    try:
        for password in (f"{LOGIN}x", LOGIN):
            client = httpx.Client(base_url=url, timeout=60)
            told.append(client.post("/login", data={"username": "alice", "password": password}).text)
        config = client.get("/config")
        told.append(config.text)
        ids = {event["api_name"]: event["id"] for event in config.json()["dependencies"]}
        told += _asked(client, ids)
    finally:
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert "The model server answered 500" in "".join(told)
    exported = paperchat(
        "export", "--conversation", "latest", "--user", "alice", env=settings(model, "works", paperchat)
    )
    assert QUESTION[:10] in exported.out
    assert leaks("\n".join([*told, out, err, exported.out, exported.err])) == []
    assert written(paperchat.folder) == []


def _asked(client: httpx.Client, ids: dict[str, int]) -> Iterator[str]:
    """A question, the status line, and the conversation exported, as the page's script asks for them."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        event: dict[str, Any] = {"fn_index": ids["_load"], "data": [None], "session_hash": "tab"}
        yield client.post("/gradio_api/run/predict", json=event).text
        event = {"fn_index": ids["_ask"], "data": [QUESTION, None, None], "session_hash": "tab"}
        client.post("/gradio_api/queue/join", json=event).raise_for_status()
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "tab"}) as stream:
            for line in stream.iter_lines():
                yield line
                if '"process_completed"' in line:
                    break
        break
    for form in ("markdown", "json"):
        sent = {"do": "export", "form": form}
        event = {"fn_index": ids["_act"], "data": [None, None], "event_data": sent, "session_hash": "tab"}
        with suppress(httpx.HTTPError):
            yield client.post("/gradio_api/run/predict", json=event).text
