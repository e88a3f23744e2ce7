"""Chat completions as OpenAI's clients call them: the same checked sentences, whole or streamed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rag.errors import PaperIndexError
from rag.pipeline import Pipeline
from rag.types import Answer
from tests.fakes import FakeGenerator, build_fake_pipeline
from tests.injections import CLEAN, LIE, QUESTION, TRUE
from tests.ui.api_client import Api, Connection, events, run, streamed_text, until
from ui.api.message_text import inert, message_text, without_sources

pytestmark = pytest.mark.enable_socket  # an event loop needs a pair of them

WRITTEN = f"{TRUE} [1] {LIE} [1]"


def answer(writes: str = WRITTEN, question: str = QUESTION) -> Answer:
    return build_fake_pipeline(CLEAN, writes).ask(question)


def body(stream: bool = True, **more: Any) -> bytes:
    messages = [{"role": "user", "content": QUESTION}]
    return json.dumps({"model": "paperchat", "messages": messages, "stream": stream, **more}).encode()


def test_an_answer_is_its_checked_sentences_with_markers_and_sources() -> None:
    async def test(api: Api) -> None:
        response = await api.ask(QUESTION)
        found = response.json()
        assert response.status_code == 200
        text = found["choices"][0]["message"]["content"]
        assert text.startswith(f"{TRUE} [1]")
        assert LIE not in text
        assert text.endswith("Sources:\n\n- [1] FOO: A Sparse Index (2024-05-01)")
        assert found["choices"][0]["finish_reason"] == "stop"
        assert found["object"] == "chat.completion"
        assert found["usage"]["total_tokens"] == found["usage"]["prompt_tokens"] + found["usage"]["completion_tokens"]

    run(test, WRITTEN)


def test_the_extension_is_the_whole_answer_with_a_trace() -> None:
    async def test(api: Api) -> None:
        found = (await api.ask(QUESTION)).json()["paperchat"]
        assert found["mode"] == "generated"
        assert found["sentences"][0]["support"]["verdict"] == "supported"
        assert [sentence["text"] for sentence in found["withheld"]] == [LIE]
        assert found["citations"][0]["paper_id"] == "foo"
        steps = [step["event"] for step in found["trace"]["events"]]
        assert steps[0] == "retrieved"
        assert steps[-1] == "finished"
        assert steps.count("checked") == len(found["sentences"]) + len(found["withheld"])
        assert sorted(step["ms"] for step in found["trace"]["events"]) == [s["ms"] for s in found["trace"]["events"]]

    run(test, WRITTEN)


def test_a_streamed_answer_is_the_same_text() -> None:
    async def test(api: Api) -> None:
        whole = (await api.ask(QUESTION)).json()
        response = await api.ask(QUESTION, stream=True)
        found = events(response.text)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert found[-1] == "[DONE]"
        assert streamed_text(found) == whole["choices"][0]["message"]["content"]
        assert found[-2]["choices"][0]["finish_reason"] == "stop"
        assert found[-2]["paperchat"]["sentences"] == whole["paperchat"]["sentences"]
        assert all("usage" not in event for event in found[:-1])
        assert len({event["id"] for event in found[:-1]}) == 1

    run(test, WRITTEN)


def test_usage_comes_last_in_a_stream_where_it_is_wanted() -> None:
    async def test(api: Api) -> None:
        response = await api.ask(QUESTION, stream=True, stream_options={"include_usage": True})
        *chunks, last, done = events(response.text)
        assert done == "[DONE]"
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] > 0
        assert all(chunk["usage"] is None for chunk in chunks)

    run(test, WRITTEN)


@pytest.mark.parametrize("question", [QUESTION, "Who won the chess championship in Iceland?"])
def test_what_is_streamed_is_what_the_pipeline_answers(question: str) -> None:
    async def test(api: Api) -> None:
        text = streamed_text(events((await api.ask(question, stream=True)).text))
        assert text == message_text(answer(question=question))

    run(test, WRITTEN)


def test_a_refusal_names_the_nearest_papers() -> None:
    async def test(api: Api) -> None:
        found = (await api.ask("Who won the chess championship in Iceland?")).json()
        assert found["paperchat"]["mode"] == "refused"
        assert found["choices"][0]["message"]["content"].startswith(found["paperchat"]["refusal"]["message"])

    run(test)


def test_the_second_model_only_quotes() -> None:
    async def test(api: Api) -> None:
        found = (await api.ask(QUESTION, model="paperchat-quotes")).json()
        assert found["paperchat"]["mode"] == "quoted"
        assert found["usage"]["completion_tokens"] == 0
        assert api.engine.generator.prompts == []
        listed = (await api.http.get("/v1/models")).json()
        assert [model["id"] for model in listed["data"]] == ["paperchat", "paperchat-quotes"]
        assert (await api.http.get("/v1/models/paperchat")).json()["root"] == "fake-model"
        assert (await api.http.get("/v1/models/gpt-4")).status_code == 404

    run(test, WRITTEN)


def test_conditions_on_papers_are_handed_on() -> None:
    async def test(api: Api) -> None:
        found = (await api.ask(QUESTION, where=["author=Test"])).json()["paperchat"]
        assert found["filters"] != {}
        assert "foo" not in [citation["paper_id"] for citation in found["citations"]]
        rows = (await api.http.post("/v1/search", json={"query": QUESTION, "where": ["author=Test"]})).json()
        assert [row["paper_id"] for row in rows] == ["whales"]

    run(test)


def test_history_comes_from_the_messages() -> None:
    async def test(api: Api) -> None:
        earlier = message_text(answer())
        messages = [
            {"role": "system", "content": "Answer like a pirate."},
            {"role": "user", "content": [{"type": "text", "text": "What is FOO?"}]},
            {"role": "assistant", "content": earlier},
            {"role": "user", "content": "By how much does it lower memory use?"},
        ]
        found = (await api.ask("", messages=messages)).json()["paperchat"]
        assert found["question"] == "By how much does it lower memory use?"
        assert found["standalone_question"] == "By how much does it lower memory use? (about FOO)"

    run(test, WRITTEN)


def test_sources_are_taken_off_an_earlier_answer() -> None:
    text = message_text(answer())
    assert "Sources:" in text
    assert without_sources(text) == text.partition("\n\nSources:")[0]


def test_nothing_in_a_message_links_or_loads() -> None:
    assert inert("See ![x](http://e.example/a) and [b][c], <img src=x> or 2 < 3 and p <0.05 [1].") == (
        "See ![x] (http://e.example/a) and [b] [c], < img src=x> or 2 < 3 and p <0.05 [1]."
    )


@pytest.mark.parametrize(
    ("more", "status", "param"),
    [
        ({"model": "gpt-4"}, 404, "model"),
        ({"n": 2}, 400, "n"),
        ({"tool_choice": "required"}, 400, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format"),
        ({"stop": ["."]}, 400, "stop"),
        ({"logprobs": True}, 400, "logprobs"),
        ({"modalities": ["audio"]}, 400, "modalities"),
        ({"where": ["colour=red"]}, 400, None),
        ({"messages": []}, 422, "messages"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, 400, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, 400, "messages"),
        ({"messages": [{"role": "king", "content": "hi"}]}, 422, "messages.0.role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
            400,
            "messages[0].content",
        ),
        ({"messages": [{"role": "user", "content": "x" * 4001}]}, 400, None),
    ],
)
def test_what_would_not_be_done_is_refused_in_openais_form(more: dict[str, Any], status: int, param: str) -> None:
    async def test(api: Api) -> None:
        response = await api.ask(QUESTION, **more)
        assert response.status_code == status
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["param"] == param
        assert error["message"].endswith(".")

    run(test)


def test_what_changes_nothing_is_accepted() -> None:
    async def test(api: Api) -> None:
        more = {"temperature": 0.3, "top_p": 1, "max_tokens": 9, "user": "u", "seed": 1, "n": 1, "tools": [], "x": {}}
        assert (await api.ask(QUESTION, **more)).status_code == 200

    run(test, WRITTEN)


def test_a_model_that_fails_is_told_whole_and_in_the_middle_of_a_stream() -> None:
    async def test(api: Api) -> None:
        whole = await api.ask(QUESTION)
        assert whole.status_code == 503
        assert whole.json()["error"]["code"] == "model_failed"
        assert int(whole.headers["retry-after"]) > 0
        *_, error, done = events((await api.ask(QUESTION, stream=True)).text)
        assert error["error"]["code"] == "model_failed"
        assert done == "[DONE]"
        await until(lambda: api.service.answers.running == 0)

    run(test, FakeGenerator([TRUE, "x"], fail_after=1))


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_ends_the_computation_and_frees_its_place(stream: bool) -> None:
    async def test(api: Api) -> None:
        generator = api.engine.generator
        connection = Connection(api.http._transport.app, "/v1/chat/completions")  # type: ignore[attr-defined]
        connection.send(body(stream))
        task = connection.start()
        await until(lambda: len(generator.prompts) == 1)
        assert api.service.answers.running == 1
        connection.leave()
        await task
        await until(lambda: api.service.answers.running == 0)
        assert generator.cancelled == 1
        assert generator.waiting() == 0

    run(test, FakeGenerator(["Slow "] * 50, delay=30))


def test_a_client_that_leaves_the_line_is_never_worked_for() -> None:
    async def test(api: Api) -> None:
        app = api.http._transport.app  # type: ignore[attr-defined]
        first, second = (Connection(app, "/v1/chat/completions") for _ in range(2))
        for connection in (first, second):
            connection.send(body())
        one = first.start()
        await until(lambda: len(api.engine.generator.prompts) == 1)
        two = second.start()
        await until(lambda: api.service.answers.waiting == 1)
        second.leave()
        await two
        assert api.service.answers.waiting == 0
        first.leave()
        await one
        await until(lambda: api.service.answers.running == 0)
        assert len(api.engine.generator.prompts) == 1

    run(test, FakeGenerator(["Slow "] * 50, delay=30), api_parallel=1)


def test_a_full_line_sends_away_with_a_time_to_come_back() -> None:
    async def test(api: Api) -> None:
        app = api.http._transport.app  # type: ignore[attr-defined]
        held = Connection(app, "/v1/chat/completions")
        held.send(body())
        task = held.start()
        await until(lambda: api.service.answers.running == 1)
        response = await api.ask(QUESTION)
        assert response.status_code == 429
        assert response.json()["error"]["type"] == "rate_limit_error"
        assert int(response.headers["retry-after"]) >= 1
        held.leave()
        await task

    run(test, FakeGenerator(["Slow "] * 50, delay=30), api_parallel=1, api_waiting=0)


def test_the_time_limit_cuts_an_answer_short_and_says_so() -> None:
    async def test(api: Api) -> None:
        api.service.limits = replace(api.service.limits, seconds=0.02)
        found = (await api.ask(QUESTION)).json()
        assert found["choices"][0]["finish_reason"] == "length"
        assert found["paperchat"]["stopped"] is True

    run(test, FakeGenerator(["Slow "] * 50, delay=30))


def test_shutting_down_sends_away_who_waits_and_cuts_short_who_is_answered() -> None:
    async def test(api: Api) -> None:
        app = api.http._transport.app  # type: ignore[attr-defined]
        writing, waiting = (Connection(app, "/v1/chat/completions") for _ in range(2))
        for connection in (writing, waiting):
            connection.send(body())
        one = writing.start()
        await until(lambda: bool(writing.sent))
        two = waiting.start()
        await until(lambda: api.service.answers.waiting == 1)
        await api.service.shut_down(grace=0)
        await asyncio.gather(one, two)
        assert waiting.status == 503
        text = b"".join(message.get("body", b"") for message in writing.sent).decode()
        assert events(text)[-1] == "[DONE]"
        assert events(text)[-2]["paperchat"]["stopped"] is True
        assert (await api.ask(QUESTION)).status_code == 503
        assert (await api.http.get("/readyz")).status_code == 503

    run(test, FakeGenerator(["Slow "] * 50, delay=30), api_parallel=1)


def test_before_the_models_are_loaded_clients_are_told_to_come_back() -> None:
    async def test(api: Api) -> None:
        api.engine.ready = False
        response = await api.ask(QUESTION)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "loading")
        assert (await api.http.get("/healthz")).json() == {"status": "ok"}
        assert (await api.http.get("/readyz")).json() == {"status": "loading"}
        api.engine.failed = True
        assert (await api.http.get("/readyz")).json() == {"status": "failed"}
        assert (await api.ask(QUESTION)).json()["error"]["code"] == "not_ready"

    run(test)


class Panic(BaseException):
    """What a native core raises: no `Exception`."""


@pytest.mark.parametrize("stream", [True, False])
def test_a_native_core_that_panics_is_told_and_frees_its_place(stream: bool) -> None:
    class Panicking(FakeGenerator):
        def _written(self, cancel: threading.Event) -> Iterator[str]:
            raise Panic("called `Option::unwrap()` on a `None` value")

    async def test(api: Api) -> None:
        response = await api.ask(QUESTION, stream=stream)
        assert "internal_error" in response.text
        assert "unwrap" not in response.text
        assert response.status_code == (200 if stream else 500)
        await until(lambda: api.service.answers.running == 0)

    run(test, Panicking())


def test_a_search_whose_index_panics_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def panics(*_: Any) -> None:
        raise Panic("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr(Pipeline, "search", panics)

    async def test(api: Api) -> None:
        response = await api.http.post("/v1/search", json={"query": "whales"})
        assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
        assert api.service.searches.running == 0

    run(test)


def test_readiness_looks_at_the_stores() -> None:
    def fails() -> int:
        raise PaperIndexError("The Chroma server http://10.0.0.9:8000 cannot be used. Check that it runs.")

    async def test(api: Api) -> None:
        assert (await api.http.get("/readyz")).json() == {"status": "ok"}
        count, api.engine.index.vectors.count = api.engine.index.vectors.count, fails  # type: ignore[method-assign]
        response = await api.http.get("/readyz")
        assert (response.status_code, response.json()) == (503, {"status": "index_unavailable"})
        assert (await api.http.get("/healthz")).status_code == 200
        api.engine.index.vectors.count = count  # type: ignore[method-assign]
        assert (await api.http.get("/readyz")).status_code == 200

    run(test)
