"""What every test may count on: its own folders, no setting from outside, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

# The same examples on every run and machine: a red suite is red for everyone. Nothing is written to disk.
settings.register_profile("paperchat", derandomize=True, database=None, deadline=None, max_examples=80)
settings.load_profile("paperchat")

# Tests that start servers, real models or a browser; they say themselves what they need.
OUTSIDE = ("real", "browser")


def _is_outside(request: pytest.FixtureRequest) -> bool:
    return any(request.node.get_closest_marker(name) for name in OUTSIDE)


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No paperchat setting of the caller reaches a test, and what a test writes lands in its own folder."""
    if _is_outside(request):
        return
    for name in os.environ:
        if name.startswith("PAPERCHAT_"):
            monkeypatch.delenv(name)
    for name in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("PAPERCHAT_INDEX", str(tmp_path / "index"))
    monkeypatch.setenv("PAPERCHAT_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, own_folders: None) -> Iterator[None]:
    """A socket is an error; `enable_socket` lets one test have them (an event loop, a server of its own)."""
    if _is_outside(request) or request.node.get_closest_marker("enable_socket"):
        yield
        return
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
