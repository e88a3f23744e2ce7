"""With no network but loopback everything works: run in a network namespace that holds nothing else."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.real.conftest import PATIENCE, command, environment

pytestmark = [pytest.mark.real, pytest.mark.timeout(PATIENCE * 3)]

ALONE = ["unshare", "--net", "sh", "-c"]


def _alone(script: str) -> subprocess.CompletedProcess[str]:
    text = f"ip link set lo up && {script}"
    return subprocess.run(
        [*ALONE, text], check=False, env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    try:
        allowed = _alone("true").returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("this machine lets nobody make a network namespace")


def test_nothing_outside_can_be_reached_there() -> None:
    script = "python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 3)\""
    assert _alone(script).returncode != 0


def test_ingest_ask_and_search(tmp_path: Path) -> None:
    index = tmp_path / "index"
    ingest = shlex.join(command("ingest", "--index", index, "--json"))
    ask = shlex.join(command("ask", "What does MInference speed up?", "--index", index, "--json"))
    search = shlex.join(command("search", "sparse fine-tuning", "--index", index, "--json"))
    ran = _alone(f"{ingest} && echo '<cut>' && {ask} && echo '<cut>' && {search}")
    assert ran.returncode == 0, ran.stderr
    report, answer, found = (json.loads(part) for part in ran.stdout.split("<cut>"))
    assert report["papers_in_index"] == 90
    assert answer["citations"]
    assert answer["mode"] in ("generated", "quoted")
    assert len(found) == 10
