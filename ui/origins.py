"""Who may call a server of ours through a browser: its own pages, and nobody else's."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

from starlette.datastructures import Headers

Refused = Literal["wrong_host", "wrong_origin"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?")


def is_loopback(host: str) -> bool:
    """Does only this machine reach `host`?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Origins:
    """Knows a server's names; a browser says where a request comes from, a program says nothing."""

    def __init__(self, host: str, *, loopback: bool) -> None:
        """`loopback` says that only this machine can reach the server, so that no name but those of loopback is right.

        Any other name is one that a web page has taken over, to read what is not its own (DNS rebinding).
        """
        self._names = {*_LOOPBACK, host.strip("[]").lower()} if loopback else None

    def refused(self, headers: Headers) -> Refused | None:
        """What is wrong with where a request comes from; `None`: nothing."""
        host = headers.get("host", "")
        if self._names is not None and _name(host) not in self._names:
            return "wrong_host"
        origin = headers.get("origin")
        foreign = origin is not None and _netloc(origin) != host.lower()
        return "wrong_origin" if foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site") else None


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty where it is none."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower() if match else ""


def _netloc(origin: str) -> str:
    """Host and port of an origin; empty for `null` and what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
