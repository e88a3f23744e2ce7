"""`paperchat mcp`: search, ask and get_paper as tools for any MCP client, over standard input and output."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from rag import build
from rag.config import Config
from rag.errors import PaperchatError, UsageError
from rag.explain import find_papers, nearest_titles
from rag.pipeline import Pipeline
from rag.serialize import answer_to_dict, paper_to_dict, passage_to_dict

INSTRUCTIONS = (
    "A collection of scientific abstracts. 'search' ranks papers for a query; 'ask' answers a question with sentences "
    "checked against the abstracts they cite, or refuses and names the nearest papers; 'get_paper' gives one record. "
    "Cite papers by title and by the paper_id given here."
)
MOST = 100


class Tools:
    """What the tools do, without the protocol. Models are loaded by the first call that needs them."""

    def __init__(self, load: Callable[[], Pipeline]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None

    def search(self, query: str, k: int = 10) -> dict[str, Any]:
        """Ranked papers for a query, each with the sentence of its abstract that bears most on it.

        Args:
            query: A question or words, in English.
            k: How many papers, 1 to 100.
        """
        found = self._loaded().search(query, _count(k))
        rows = []
        for passage in found.ranked:
            evidence = found.evidence.get(passage.paper.id)
            rows.append(passage_to_dict(passage, evidence.best.text if evidence else ""))
        return {"papers": rows}

    def ask(self, question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """An answer from the collection: every sentence shown is supported by the abstract it cites.

        Args:
            question: What to answer.
            history: Earlier turns as [question, answer] pairs, oldest first, where this question follows up on them.
        """
        if any(len(turn) != 2 for turn in history or ()):
            raise UsageError("A turn of the history is not a pair. Give [[question, answer], ...].")
        turns = [(asked, told) for asked, told in history or ()]
        return answer_to_dict(self._loaded().ask(question, turns))

    def get_paper(self, paper: str) -> dict[str, Any]:
        """One paper's whole record, with its abstract.

        Args:
            paper: Its paper_id, DOI, arXiv id, or words of its title.
        """
        index = self._loaded().index
        found = find_papers(index, paper)
        if not found:
            near = "; ".join(f"“{near.title}” ({near.id})" for near in nearest_titles(index, paper))
            raise UsageError(
                f"The collection holds no paper {paper!r}. "
                + (f"Nearest titles: {near}." if near else "Search for it.")
            )
        record = paper_to_dict(found[0])
        return {"paper_id": record.pop("id"), **record, "others": [other.id for other in found[1:10]]}

    def _loaded(self) -> Pipeline:
        with self._lock:
            if self._pipeline is None:
                self._pipeline = self._load()
            return self._pipeline


def _count(k: int) -> int:
    if not 1 <= k <= MOST:
        raise UsageError(f"k is {k}; it must be 1 to {MOST}. Give another.")
    return k


def run(config: Config, *, generate: bool) -> None:
    """Serves until the client hangs up.

    Raises:
        UsageError: The package `mcp` is missing.
    """
    if find_spec("mcp") is None:
        raise UsageError("The package 'mcp' is not installed. Run \"pip install 'paperchat[mcp]'\".")
    server(Tools(lambda: build.build_pipeline(config, generate=generate))).run("stdio")


def server(tools: Tools) -> Any:
    """The tools as an MCP server; a failure that can be told reaches the client as its one sentence."""
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations

    made = MCPServer("paperchat", instructions=INSTRUCTIONS, version=version("paperchat"), log_level="WARNING")
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    def search(query: str, k: int = 10) -> dict[str, Any]:
        return told(lambda: tools.search(query, k))

    def ask(question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        return told(lambda: tools.ask(question, history))

    def get_paper(paper: str) -> dict[str, Any]:
        return told(lambda: tools.get_paper(paper))

    def told(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return call()
        except PaperchatError as error:
            raise ToolError(str(error)) from error

    # Not as decorators: mypy does not follow the library's imports.
    for own, described in ((search, tools.search), (ask, tools.ask), (get_paper, tools.get_paper)):
        made.tool(description=described.__doc__, annotations=reads)(own)
    return made
