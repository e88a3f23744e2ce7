"""The program as a user runs it: in a process of its own, over the sample papers."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real.started import Started

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PAGE = DATA / "daily_papers" / "page_2025-11-05.txt"
PATIENCE = 240

# Progress, not errors.
_BAR = re.compile(r"^((Reading papers|Answering|Searching|Checking):|Starting the page)")


def environment(**more: str) -> dict[str, str]:
    """Ours without settings of paperchat, except where the converted model is kept: that saves a minute."""
    kept = ("PAPERCHAT_CACHE",)
    own = {name: value for name, value in os.environ.items() if name in kept or not name.startswith("PAPERCHAT_")}
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**own, "PYTHONPATH": path, **more}


@functools.cache
def started() -> Started:
    """The process of which most commands are forks."""
    return Started(environment())


def command(*arguments: object, program: str = "ui.cli") -> list[str]:
    return [sys.executable, "-m", program, *map(str, arguments)]


@dataclass(frozen=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """Standard output, which must be one JSON value and nothing else."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on standard error that tells what went wrong; progress bars apart."""
        lines = [line.strip() for line in re.split(r"[\r\n]+", self.err)]
        told = [line for line in lines if line and not _BAR.match(line)]
        assert "Traceback" not in self.err, self.err
        assert len(told) == 1, self.err
        assert told[0].startswith("Error: "), told[0]
        assert told[0].endswith((".", "?")), told[0]
        assert "unexpected" not in told[0], told[0]
        return told[0].removeprefix("Error: ")


class Paperchat:
    """`paperchat` over one index, from a folder of its own."""

    def __init__(self, folder: Path, program: str = "ui.cli") -> None:
        self.folder = folder
        self.index = folder / "index"
        self.program = program

    def __call__(self, *arguments: object, timeout: float = PATIENCE, **popen: Any) -> Result:
        settings = environment(**{"PAPERCHAT_INDEX": str(self.index), **popen.pop("env", {})})
        if self.program == "ui.cli" and not popen and started().serves(settings):
            return Result(*started().run([*map(str, arguments)], self.folder, settings, timeout))
        done = subprocess.run(
            command(*arguments, program=self.program),
            cwd=self.folder,
            env=settings,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
            **popen,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def write(self, name: str, *rows: object) -> Path:
        """A file of JSON lines in the folder."""
        path = self.folder / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    def copy(self, folder: Path) -> Paperchat:
        """The same index in a folder of its own, to be changed there."""
        copied = Paperchat(folder)
        shutil.copytree(self.index, copied.index)
        return copied

    def papers(self) -> dict[str, dict[str, Any]]:
        """Every record in the index, as `papers list` tells it."""
        return {row["paper_id"]: row for row in self("papers", "list", "--json").value}


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Paperchat, Result]:
    """The sample papers in an index, and what the ingest said. Not to be changed: copy it."""
    paperchat = Paperchat(tmp_path_factory.mktemp("filled"))
    return paperchat, paperchat("ingest", "--json")


@pytest.fixture
def copied(filled: tuple[Paperchat, Result], tmp_path: Path) -> Paperchat:
    """A copy of the filled index that a test may change."""
    return filled[0].copy(tmp_path)
