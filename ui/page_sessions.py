"""What the page's events say of themselves: which tab they come from, and which files.

A tab belongs to the login that opened it. Gradio keeps what a tab shows under a random name that the tab chose; whoever
knew another reader's could ask for their conversation with a login of his own.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope

# Older ones are forgotten: their tabs have long been closed.
TABS = 10_000
COOKIES = "access-token-"
_HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)/?")
_EVENTS = re.compile(r"/gradio_api/(?:queue/join|run/predict|cancel)/?")


class Tabs:
    """Which login opened which tab."""

    def __init__(self) -> None:
        self._logins: OrderedDict[str, str] = OrderedDict()

    def is_own(self, tab: str, cookies: Mapping[str, str]) -> bool:
        """Is this tab the login's own? The first one that uses a tab opens it."""
        # All of them: a made-up one beside the right one must not pass for no login.
        login = "; ".join(f"{name}={value}" for name, value in sorted(cookies.items()) if name.startswith(COOKIES))
        if not login:  # Gradio refuses it, unless nobody logs in here
            return True
        known = self._logins.setdefault(tab, login)
        self._logins.move_to_end(tab)
        if len(self._logins) > TABS:
            self._logins.popitem(last=False)
        return known == login


def named_in_address(scope: Scope) -> str | None:
    """The tab that a request's address names."""
    if match := _HEARTBEAT.fullmatch(scope["path"]):
        return match[1]
    given = parse_qs(str(scope["query_string"], "latin-1")).get("session_hash")
    return given[-1] if given else None


def names_in_body(scope: Scope) -> bool:
    """Does a request name its tab in its body?"""
    return scope["method"] == "POST" and _EVENTS.fullmatch(scope["path"]) is not None


async def read(receive: Receive) -> tuple[Any, Receive]:
    """The JSON of a body, `None` where it is none, and the body once more."""
    messages: list[Message] = []
    while not messages or messages[-1].get("more_body", False):
        messages.append(await receive())
    try:
        sent: Any = json.loads(b"".join(message.get("body", b"") for message in messages))
    except (ValueError, RecursionError):  # Gradio says what is wrong with it
        sent = None

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return sent, again


def named(sent: Any) -> str | None:
    """The tab that a body names."""
    tab = sent.get("session_hash") if isinstance(sent, dict) else None
    return tab if isinstance(tab, str) else None


def names_address(sent: Any) -> bool:
    """Does a body hold a file by its address? Gradio would fetch it."""
    if isinstance(sent, list):
        return any(map(names_address, sent))
    if not isinstance(sent, dict):
        return False
    path = sent.get("path")
    return (isinstance(path, str) and "://" in path) or any(map(names_address, sent.values()))
