"""What somebody might try on the page, without a browser: on a served page, one case after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ui.page_client import API, FILES, UPLOAD, Served, serving
from ui.conversations import Conversations
from ui.page_guard import WRONG_PASSWORDS_PER_MINUTE
from ui.preferences import Preferences, PreferenceStore

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

QUESTION = "What does MInference speed up?"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("page")) as served:
        served.client()
        yield served


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shared"), logins=True, upload_mb=1) as served:
        served.client("alice")
        yield served


@pytest.fixture(scope="module")
def neighbour() -> Iterator[tuple[str, list[str]]]:
    """A server that the page must never call, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


# --- other web pages ------------------------------------------------------------------------------

FOREIGN: list[dict[str, str]] = [
    {"host": "evil.example"},
    {"host": "evil.example:7860", "origin": "http://evil.example:7860"},
    {"host": "127.0.0.1.evil.example", "origin": "http://127.0.0.1.evil.example"},
    {"host": "0x7f000001"},
    {"host": "2130706433"},
    {"host": "[::ffff:127.0.0.1]"},
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:9999"},
    {"origin": "file://"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_web_page_reads_or_writes(page: Served, headers: dict[str, str]) -> None:
    http = page.client().http
    event = {"fn_index": page.ids["_load"], "data": [None], "session_hash": "tab"}
    answers = [
        http.get("/", headers=headers),
        http.get("/config", headers=headers),
        http.post(UPLOAD, files=FILES, headers=headers),
        http.post(f"{API}/run/predict", json=event, headers=headers),
        http.post(f"{API}/queue/join", json=event, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)


def test_a_link_from_elsewhere_opens_the_page(page: Served) -> None:
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert page.client().http.get("/", headers=followed).status_code == 200
    assert page.client().http.get("/config", headers=followed).status_code == 403
    assert page.client().http.get("/", headers={"host": "localhost:7860"}).status_code == 200


# --- doors that no page of ours uses, and files ---------------------------------------------------

CLOSED = (
    "/gradio_api/token",
    "/gradio_api/openapi.json",
    "/openapi.json",
    "/gradio_api/dev/reload",
    "/gradio_api/custom_component/a%0aERROR%20forged/client/component/x",
    "/gradio_api/stream/a/b/1/playlist.m3u8",
    "/gradio_api/vibe-code",
    "/gradio_api/component_server",
    "/gradio_api/call/_ask",
    "/gradio_api/api/_ask",
    "/gradio_api/deep_link?session_hash=x",
    "/monitoring",
    "/gradio_api/mcp",
)
FILES_OF_THE_SERVER = (
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file=%2fetc%2fpasswd",
    "/gradio_api/file=../../../../etc/passwd",
    "/gradio_api/file=file:///etc/passwd",
    "/gradio_api/file=/proc/self/environ",
    "/gradio_api/file=conversations.sqlite",
    "/gradio_api/file//etc/passwd",
    "/file=/etc/passwd",
    "/static/%2e%2e/%2e%2e/routes.py",
    "/assets/..%2f..%2f..%2fetc%2fpasswd",
    "/assets/%2fetc/passwd",
    "/svelte/..%2f..%2f..%2fetc%2fpasswd",
    "/pwa_icon/..%2f..%2fetc%2fpasswd",
)


@pytest.mark.parametrize("path", CLOSED)
def test_what_no_page_of_ours_uses_is_not_there(page: Served, path: str) -> None:
    http = page.client().http
    assert {http.get(path).status_code, http.post(path, json={}).status_code} == {404}


@pytest.mark.parametrize("path", FILES_OF_THE_SERVER)
def test_no_file_of_the_server_is_served(page: Served, path: str) -> None:
    answer = page.client().http.get(path)
    assert answer.status_code in (403, 404)
    assert "root:" not in answer.text


def test_the_conversations_are_not_served_by_their_path(page: Served) -> None:
    assert page.client().http.get(f"{API}/file={page.database.path}").status_code in (403, 404)


@pytest.mark.parametrize("way", ["file=", "file/", "proxy="])
def test_the_page_fetches_no_address_for_anyone(page: Served, neighbour: tuple[str, list[str]], way: str) -> None:
    url, asked = neighbour
    assert page.client().http.get(f"{API}/{way}{url}/secret").status_code in (403, 404)
    assert asked == []


# --- uploads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/cron.d/evil", "a\x00b", "arxiv:2410.05983", "*.jsonl", "a\nb", "x" * 300]
)
def test_the_name_of_an_upload_leads_nowhere_else(page: Served, name: str) -> None:
    answer = page.client().http.post(UPLOAD, files={"files": (name, b'{"title": "x"}')})
    if answer.status_code == 200:
        (path,) = answer.json()
        assert Path(path).resolve().is_relative_to(Path(path).parents[1].resolve())
        assert len(Path(path).parent.name) == 64  # a folder named by the content
    else:
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/self/environ",
        "conversations.sqlite",
        "../../etc/passwd",
        "//etc/passwd",
        "file:/etc/passwd",
    ],
)
def test_the_upload_event_reads_only_what_was_uploaded(page: Served, path: str) -> None:
    for event in ("_upload", "_paste"):
        sent: Any = {"path": path, "meta": {"_type": "gradio.FileData"}}
        last = page.client().queue(event, [[sent] if event == "_upload" else sent], tab=f"{event}{path}")
        assert last["success"] is False
        assert "passwd" not in str(last["output"])
    assert page.engine.read == []


@pytest.mark.parametrize(
    "address", ["NEIGHBOUR/x.jsonl", "https://papers.example/x.jsonl", "HTTP://papers.example/x", "file:///etc/passwd"]
)
def test_no_event_has_the_page_fetch_an_address(
    page: Served, neighbour: tuple[str, list[str]], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio import processing_utils

    url, asked = neighbour

    async def fetched(address: str, *_: Any) -> str:
        asked.append(address)
        return "/nowhere"

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", fetched)
    sent = {"path": address.replace("NEIGHBOUR", url), "meta": {"_type": "gradio.FileData"}}
    for event, data in (("_upload", [[sent]]), ("_paste", [sent]), ("_report", [{"deep": [sent]}])):
        body = {"fn_index": page.ids[event], "data": data, "session_hash": f"fetch{event}"}
        for way in ("queue/join", "run/predict"):
            assert page.client().http.post(f"{API}/{way}", json=body).status_code == 400
    assert asked == []
    assert page.engine.read == []


def test_an_event_that_is_too_large_is_refused(page: Served) -> None:
    body = b'{"data": ["' + b"x" * 41_000_000 + b'"]}'
    headers = {"content-type": "application/json"}
    assert page.client().http.post(f"{API}/queue/join", content=body, headers=headers).status_code == 413


# --- logins ---------------------------------------------------------------------------------------


def test_nothing_is_shown_or_done_without_a_login(shared: Served) -> None:
    http = shared.client().http
    event = {"fn_index": shared.ids["_load"], "data": [None], "session_hash": "nobody"}
    answers = [
        http.get("/config"),
        http.get(f"{API}/info"),
        http.post(f"{API}/run/predict", json=event),
        http.post(f"{API}/queue/join", json=event),
        http.get(f"{API}/queue/data", params={"session_hash": "nobody"}),
        http.post(UPLOAD, files=FILES),
        http.get(f"{API}/file={shared.database.path}"),
    ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert QUESTION not in http.get("/").text


def test_the_cookie_of_a_login_stays_with_the_page(shared: Served) -> None:
    sent = shared.client().http.post("/login", data={"username": "bob", "password": "the-password-of-bob"})
    cookies = sent.headers.get_list("set-cookie")
    assert cookies
    assert all("httponly" in cookie.lower() and "samesite=lax" in cookie.lower() for cookie in cookies)


def test_one_reader_reaches_nothing_of_another(shared: Served) -> None:
    alice, bob = shared.client("alice"), shared.client("bob")
    assert alice.queue("_ask", [QUESTION, None, None], tab="of-alice")["success"]
    kept = Conversations(shared.database)
    (before,) = kept.listed("alice")
    for what in ({"do": "open"}, {"do": "rename", "text": "Taken over"}, {"do": "delete"}):
        assert "MInference" not in bob.run("_act", [None, None], {**what, "id": before.id}, tab="of-bob").text
    assert kept.listed("alice") == [before]
    # The name of a tab is no key to what it shows.
    for event, sent in (("_act", {"do": "export", "form": "markdown"}), ("_load", None)):
        answer = bob.run(event, [None, None][: 2 if event == "_act" else 1], sent, tab="of-alice")
        assert answer.status_code == 403
    bob.http.cookies.set("access-token-000", "")
    assert bob.run("_act", [None, None], {"do": "export", "form": "markdown"}, tab="of-alice").status_code == 403
    for path in ("queue/data?session_hash=of-alice", "heartbeat/of-alice"):
        assert bob.http.get(f"{API}/{path}").status_code == 403
    answer = alice.run("_act", [None, None], {"do": "export", "form": "markdown"}, tab="of-alice")
    assert "MInference" in answer.text


@pytest.mark.parametrize("model", ["/etc", "NEIGHBOUR", "owner/name"])
def test_who_logged_in_cannot_have_another_model_loaded(
    shared: Served, neighbour: tuple[str, list[str]], model: str
) -> None:
    url, asked = neighbour
    model = model.replace("NEIGHBOUR", f"{url}/v1")
    bob = shared.client("bob")
    assert bob.run("_keep_model", [model], tab=f"settings{model}").status_code == 200
    assert PreferenceStore(shared.database).get("bob") == Preferences()
    last = bob.queue("_test", [model], tab=f"test{model}")
    assert last["output"]["data"] == [""]
    assert asked == []


def test_an_upload_of_who_logged_in_has_a_limit(shared: Served) -> None:
    big = {"files": ("papers.jsonl", b"x" * 1_100_000)}
    assert shared.client("alice").http.post(UPLOAD, files=big).status_code == 413


def test_guessing_passwords_is_slowed_down(tmp_path: Path) -> None:
    with serving(tmp_path, logins=True) as served:
        http = served.client().http
        wrong = {"username": "alice", "password": "a-guess"}
        statuses = [http.post("/login", data=wrong).status_code for _ in range(WRONG_PASSWORDS_PER_MINUTE + 3)]
        assert statuses[0] == 400
        assert statuses[-1] == 429
