"""Whatever is sent, what comes back is what the description promises, and never an error of ours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.injections import QUESTION
from tests.ui.api_client import Api, events, run
from ui.api.schemas import Completion, ErrorBody, SearchRow

pytestmark = pytest.mark.enable_socket  # an event loop needs a pair of them

JSON = {"content-type": "application/json"}
# Half of a surrogate pair is no text, which a description cannot say: it is sent where anything is.
CHARACTERS = st.characters(exclude_categories=["Cs"])
KNOWN = st.sampled_from(["paperchat", "paperchat-quotes", QUESTION, "user", ""])
DESCRIBED = st.text(CHARACTERS, max_size=30) | KNOWN
TEXT = st.text(st.characters(), max_size=30) | KNOWN


def values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Any JSON whose strings are such texts."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=8,
    )


VALUE = values(TEXT)


def from_schema(schema: dict[str, Any], components: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema of the description; what it leaves open is anything."""
    if "$ref" in schema:
        return from_schema(components[schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema:
        return st.one_of(*(from_schema(option, components) for option in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            needed = {name: from_schema(known[name], components) for name in schema.get("required", [])}
            others = {name: from_schema(field, components) for name, field in known.items() if name not in needed}
            return st.fixed_dictionaries(needed, optional=others)
        case "array":
            items = from_schema(schema.get("items", {}), components)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=4)
        case "string":
            least = schema.get("minLength", 0)
            return DESCRIBED.filter(lambda text: len(text) >= least)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return values(DESCRIBED)


def bodies(path: str) -> st.SearchStrategy[tuple[bool, Any]]:
    """Bodies that the description allows (told by `True`), the same with one field changed, and anything at all."""

    async def description(api: Api) -> Any:
        return (await api.http.get("/openapi.json")).json()

    found = run(description)
    components = found["components"]["schemas"]
    schema = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    allowed = from_schema(schema, components)
    names = st.sampled_from(sorted(components[schema["$ref"].rpartition("/")[2]]["properties"]))
    changed = st.builds(lambda body, name, value: {**body, name: value}, allowed, names, VALUE)
    return st.tuples(st.just(True), allowed) | st.tuples(st.just(False), changed | VALUE)


def promised(description: dict[str, Any], path: str) -> set[int]:
    return {int(status) for status in description["paths"][path]["post"]["responses"]}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/search"])
@pytest.mark.parametrize("size", [40, pytest.param(1500, marks=pytest.mark.slow)])
def test_every_answer_is_as_promised(path: str, size: int) -> None:
    from tests.ui.api_client import serving

    runner = asyncio.Runner()
    context = serving("FOO lowers memory use by 12% on the Bar benchmark. [1]")
    api = runner.run(context.__aenter__())
    description = runner.run(api.http.get("/openapi.json")).json()

    @settings(max_examples=size, suppress_health_check=list(HealthCheck))
    @given(made=bodies(path))
    def sent(made: tuple[bool, Any]) -> None:
        as_described, body = made
        response = runner.run(api.http.post(path, content=json.dumps(body), headers=JSON))
        assert response.status_code < 500, response.text
        assert response.status_code in promised(description, path)
        assert response.status_code != 422 or not as_described, response.text
        if response.status_code != 200:
            ErrorBody.model_validate_json(response.content, strict=True)
        elif path == "/v1/search":
            TypeAdapter(list[SearchRow]).validate_json(response.content, strict=True)
        elif response.headers["content-type"].startswith("text/event-stream"):
            assert events(response.text)[-1] == "[DONE]"
        else:
            Completion.model_validate_json(response.content, strict=True)

    try:
        sent()
        assert api.service.answers.running == 0 or path == "/v1/search"
    finally:
        runner.run(context.__aexit__(None, None, None))
        runner.close()


def test_the_description_names_every_address() -> None:
    async def test(api: Api) -> None:
        found = (await api.http.get("/openapi.json")).json()
        assert set(found["paths"]) == {
            "/v1/chat/completions", "/v1/models", "/v1/models/{model}", "/v1/search", "/v1/papers",
            "/v1/papers/{paper_id}", "/healthz", "/readyz", "/metrics",
        }  # fmt: skip
        page = await api.http.get("/docs")
        assert all(path in page.text for path in found["paths"])
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "src=" not in page.text

    run(test)
