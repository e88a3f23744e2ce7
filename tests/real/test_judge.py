"""A judge behind an OpenAI-compatible address, asked by the command as a user runs it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.real.conftest import Paperchat
from tests.real.test_servers import OpenAIServer, Speaker, says, server

__all__ = ["server"]  # the fixture

pytestmark = pytest.mark.real


def rows(*answers: str) -> list[dict[str, Any]]:
    return [{"id": str(n), "question": f"Question {n}?", "answer": text} for n, text in enumerate(answers)]


def test_a_judge_on_a_server(server: OpenAIServer, tmp_path: Any) -> None:
    paperchat = Paperchat(tmp_path)
    a = paperchat.write("a.jsonl", *rows("GOOD one", "bad one", "odd one"))
    b = paperchat.write("b.jsonl", *rows("bad two", "bad two", "bad two"))

    def script(to: Speaker) -> None:
        prompt = to.server.bodies[-1]["messages"][-1]["content"]
        if "odd" in prompt:
            says("I cannot say.")(to)
            return
        first, second = (prompt.split(f"Assistant {n}'s Answer]\n")[1].startswith("GOOD") for n in (1, 2))
        says(f"{9 if first else 4} {9 if second else 4}\nThe reasons.")(to)

    server.script = script
    result = paperchat("eval", "judge", a, b, "--model", server.url, "--server-model", "large-model", "--json").value
    assert result["judge"] == "large-model"
    assert (result["judged"], result["unparsable"]) == (2, 2)
    assert result["wins"] == {"a": 1, "b": 0, "tie": 1, "contradictory": 0}
    assert result["consistency"]["value"] == 1.0
    assert len(server.bodies) == 6
    assert all(body["temperature"] == 0 for body in server.bodies)
    assert json.loads((tmp_path / "reports" / "judge" / "judge.json").read_text())["margin"]["value"] == 2.5
