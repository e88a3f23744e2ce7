"""An MCP client in a session with `paperchat mcp` in a process of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.real.conftest import PATIENCE, Paperchat, Result, command, environment

mcp = pytest.importorskip("mcp", reason="the optional package 'mcp' is not installed")

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def test_a_client_searches_asks_and_reads(filled: tuple[Paperchat, Result]) -> None:
    paperchat, _ = filled

    async def session() -> dict[str, Any]:
        program, *arguments = command("mcp", "--no-generate", "--index", paperchat.index)
        parameters = mcp.StdioServerParameters(command=program, args=arguments, env=environment(), cwd=paperchat.folder)
        async with mcp.Client(parameters, read_timeout_seconds=PATIENCE) as client:
            tools = await client.list_tools()
            calls = {
                "search": {"query": "faster pre-filling of long prompts", "k": 3},
                "ask": {"question": "What does MInference speed up?"},
                "get_paper": {"paper": "MInference"},
            }
            found: dict[str, Any] = {name: await client.call_tool(name, given) for name, given in calls.items()}
            found["unknown"] = await client.call_tool("get_paper", {"paper": "no such paper at all"})
            return {"tools": [tool.name for tool in tools.tools], **found}

    said = asyncio.run(session())
    assert sorted(said["tools"]) == ["ask", "get_paper", "search"]
    papers = value(said["search"])["papers"]
    assert [paper["rank"] for paper in papers] == [1, 2, 3]
    assert "MInference" in papers[0]["title"]
    answer = value(said["ask"])
    assert answer["mode"] == "quoted"
    assert "MInference" in answer["citations"][0]["title"]
    assert value(said["get_paper"])["paper_id"] == papers[0]["paper_id"]
    assert said["unknown"].is_error
    assert "holds no paper" in said["unknown"].content[0].text


def value(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content
    told: dict[str, Any] = result.structured_content
    assert json.loads(result.content[0].text) == told
    return told
