"""The lock files name every file that may be installed, by its hash; and nothing about where it was fetched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ui import cli

ROOT = Path(cli.__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
PIN = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.+-]+)( ; [^\\]+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(path: Path) -> dict[str, str]:
    """Versions by package."""
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1].isalnum()]
    return dict(row.removesuffix(" \\").partition(";")[0].strip().split("==") for row in rows)  # type: ignore[misc]


def test_the_locks_are_the_known_ones() -> None:
    names = ["requirements-cpu.lock", "requirements-cuda.lock", "requirements-dev.lock", "requirements.lock"]
    assert [path.name for path in LOCKS] == names


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_pin_is_exact_and_has_hashes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    whole = re.sub(r" \\\n\s+", " ", text)
    lines = [line for line in whole.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        pin, *hashes = re.split(r" (?=--hash)", line)
        assert PIN.fullmatch(pin.strip()), line[:100]
        assert hashes, line[:100]
        assert all(HASH.fullmatch(part) for part in hashes), line[:100]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_no_lock_tells_where_it_was_made(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"://|--(?:index|extra-index|find-links|trusted)|/(?:opt|home|work|tmp|root)/", text)


def test_both_builds_of_torch_are_one_version() -> None:
    everything, cpu, cuda = (pins(ROOT / f"requirements{part}.lock") for part in ("", "-cpu", "-cuda"))
    assert cpu == {"torch": f"{everything['torch']}+cpu"}
    # What is in the one must not be pinned otherwise in the other.
    assert not everything.keys() & cuda.keys()
    assert not everything.keys() & pins(ROOT / "requirements-dev.lock").keys()


def test_nothing_is_installed_but_by_hash() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^LOCKED := .*--require-hashes", makefile, re.MULTILINE)
    for line in makefile.splitlines():
        for command in re.findall(r"\$\(PIP\)([^|]*)", line):
            assert "$(LOCKED) -r" in command or "--no-deps --no-build-isolation -e ." in command, line
