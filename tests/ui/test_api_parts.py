"""The parts of the API by themselves: the line, the tokens, the rates, the numbers, the log."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.config import Config
from rag.errors import UsageError
from ui.api import logs
from ui.api.admission import Admission
from ui.api.auth import Keys, load_keys, plain_tokens
from ui.api.command import run as run_command
from ui.api.errors import ApiError
from ui.api.logs import Formatter
from ui.api.metrics import Gauge, Metrics
from ui.api.page import render
from ui.api.rates import Rates

pytestmark = pytest.mark.enable_socket  # an event loop needs a pair of them

# --- the line ----------------------------------------------------------------------------------


def served_order(arrivals: list[str], parallel: int = 1, waiting: int = 100) -> list[str]:
    """Clients in the order in which they got a place, one at a time."""

    async def all_of_it() -> list[str]:
        line, order = Admission(parallel, waiting), []

        async def one(client: str) -> None:
            place = await line.enter(client)
            order.append(client)
            await asyncio.sleep(0)
            place.release()

        await asyncio.gather(*(one(client) for client in arrivals))
        assert (line.running, line.waiting) == (0, 0)
        return order

    return asyncio.run(all_of_it())


def test_clients_are_served_in_turn_however_many_requests_one_sends() -> None:
    assert served_order(["a", "a", "a", "a", "b", "c", "c"]) == ["a", "a", "b", "c", "a", "c", "a"]


def test_one_client_is_served_in_its_own_order() -> None:
    async def all_of_it() -> None:
        line, order = Admission(1, 10), []
        first = await line.enter("a")

        async def one(number: int) -> None:
            place = await line.enter("a")
            order.append(number)
            place.release()

        tasks = [asyncio.ensure_future(one(number)) for number in range(5)]
        await asyncio.sleep(0)
        first.release()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3, 4]

    asyncio.run(all_of_it())


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 3), st.data())
def test_no_place_is_ever_lost_whoever_gives_up_when(arrivals: list[str], parallel: int, data: st.DataObject) -> None:
    given_up = data.draw(st.lists(st.integers(0, 11), max_size=6))

    async def all_of_it() -> None:
        line = Admission(parallel, 5)
        most = 0

        async def one(client: str) -> None:
            nonlocal most
            place = await line.enter(client)
            most = max(most, line.running)
            try:
                await asyncio.sleep(0)
            finally:
                place.release()
                place.release()

        tasks = [asyncio.ensure_future(one(client)) for client in arrivals]
        await asyncio.sleep(0)
        for number in given_up:
            if number < len(tasks):
                tasks[number].cancel()
                await asyncio.sleep(0)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, ApiError | asyncio.CancelledError)
        assert (line.running, line.waiting) == (0, 0)
        assert most <= parallel

    asyncio.run(all_of_it())


def test_a_full_line_makes_room_for_a_modest_client_at_the_cost_of_a_greedy_one() -> None:
    async def all_of_it() -> None:
        line = Admission(1, 3)
        held = await line.enter("greedy")
        greedy = [asyncio.ensure_future(line.enter("greedy")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as refused:
            await line.enter("greedy")
        assert refused.value.status_code == 429
        modest = asyncio.ensure_future(line.enter("modest"))
        await asyncio.sleep(0)
        await asyncio.wait([greedy[2]])
        assert isinstance(greedy[2].exception(), ApiError)
        held.release()
        (await greedy[0]).release()
        (await modest).release()
        (await greedy[1]).release()

    asyncio.run(all_of_it())


# --- tokens ------------------------------------------------------------------------------------


def hashed(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def test_several_tokens_let_in_from_the_setting_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# people\nalice {hashed('tok-a')}\n\nbob@lab {hashed('tök-b')}\n", encoding="utf-8")
    keys = load_keys(Config(api_key="one, two", api_keys_file=str(file)))
    assert keys.owner("Bearer one") == "api_key-1"
    assert keys.owner("bearer two") == "api_key-2"
    assert keys.owner("Bearer tok-a") == "alice"
    assert keys.owner("Bearer tök-b") == "bob@lab"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer onetwo", "Bearer one,", "Basic one", "one", "Bearer \udcff", "Bearer ONE"],
)
def test_nothing_else_lets_in(header: str | None) -> None:
    assert load_keys(Config(api_key="one,two")).owner(header) is None


def test_a_line_that_is_no_hash_is_refused_without_being_shown(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("alice hunter2-secret\n", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        load_keys(Config(api_keys_file=str(file)))
    assert "line 1" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_two_keys_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"\ufeffalice {hashed('tok-a')}\nalice {hashed('tok-b')}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2: a second key for 'alice'"):
        load_keys(Config(api_keys_file=str(file)))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_other_machines_are_not_served_without_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="PAPERCHAT_API_KEY"):
        run_command(Config(host=host), samples=False, generate=False)


def test_secrets_are_in_no_text_of_the_settings_or_the_keys() -> None:
    config = Config(api_key="tok-secret", server_key="other-secret", model="http://me:pass-secret@host/v1")
    assert "tok-secret" not in repr(config)
    assert "other-secret" not in repr(config)
    assert hashlib.sha256(b"tok-secret").hexdigest() not in repr(load_keys(config))
    assert plain_tokens(config) == ["tok-secret", "other-secret", "me:pass-secret", "pass-secret"]
    assert plain_tokens(Config(model="http://me:p%40ss@host/v1")) == ["me:p%40ss", "p%40ss", "me:p@ss", "p@ss"]
    assert not Keys({})


# --- rates, numbers, log -----------------------------------------------------------------------


def test_a_client_may_come_as_often_as_it_is_allowed() -> None:
    rates, free = Rates(2), Rates(0)
    for _ in range(2):
        assert rates.allows("a")
        rates.count("a")
    assert not rates.allows("a")
    assert rates.allows("b")
    free.count("a")
    assert free.allows("a")


def test_the_numbers_are_in_prometheus_form() -> None:
    metrics = Metrics([Gauge("paperchat_papers", "Papers.", lambda: 1_000_000.0), Gauge("none", "No.", lambda: None)])
    metrics.requests.add('/a"\n\\', "GET", "200")
    metrics.seconds.observe(0.3, "/v1")
    metrics.seconds.observe(9999, "/v1")
    lines = metrics.text().splitlines()
    assert 'paperchat_requests_total{path="/a\\"\\n\\\\",method="GET",status="200"} 1' in lines
    assert 'paperchat_request_seconds_bucket{path="/v1",le="0.25"} 0' in lines
    assert 'paperchat_request_seconds_bucket{path="/v1",le="0.5"} 1' in lines
    assert 'paperchat_request_seconds_bucket{path="/v1",le="+Inf"} 2' in lines
    assert 'paperchat_request_seconds_count{path="/v1"} 2' in lines
    assert "paperchat_papers 1000000" in lines
    assert all(line.startswith(("#", "paperchat_", "process_")) or line == "" for line in lines if "none" not in line)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_line_has_its_request_and_no_secret(as_json: bool) -> None:
    formatter = Formatter(as_json=as_json, secrets=['tok"secret', "abc"])
    try:
        raise ValueError('inside: tok"secret')
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, 'told tok"secret', (), (type(error), error, None))
    record.fields = {"header": 'Bearer tok"secret', "ms": 3}
    token = logs.REQUEST_ID.set("req-1")
    try:
        line = formatter.format(record)
    finally:
        logs.REQUEST_ID.reset(token)
    assert "req-1" in line
    assert "secret" not in line
    if as_json:
        fields: dict[str, Any] = json.loads(line)
        assert (fields["request_id"], fields["ms"], fields["level"]) == ("req-1", 3, "error")
        assert "ValueError" in fields["traceback"]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x1b[2K\x1b[1A", "\x85"])
def test_no_words_forge_a_line_of_the_log(as_json: bool, end: str) -> None:
    forged = "ERROR paperchat.access: request status=200 client=key:alice"
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "no paper %r, %s", ("a", f"a{end}{forged}"), None)
    record.fields = {"path": f"/v1{end}{forged}"}
    line = Formatter(as_json=as_json).format(record)
    assert not any(row.startswith("ERROR") for row in line.splitlines())
    assert "\x1b" not in line
    if as_json:
        assert len(line.splitlines()) == 1


def test_the_page_needs_nothing_from_elsewhere() -> None:
    description = {"info": {"title": "<t>", "version": "1", "description": "d"}, "paths": {}}
    html = render(description)
    assert "&lt;t&gt;" in html
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html
