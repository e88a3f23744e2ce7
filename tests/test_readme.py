"""The README tells the truth about settings and commands."""

from __future__ import annotations

import re
from pathlib import Path

from rag.config import ENV_PREFIX, settings_table
from ui import cli

ROOT = Path(cli.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_the_one_that_the_code_has() -> None:
    assert settings_table() in README


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", README)) <= targets


def test_every_picture_and_file_linked_is_there() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_environment_variable_named_is_read() -> None:
    named = set(re.findall(rf"{ENV_PREFIX}[A-Z_]+", README))
    source = "\n".join(p.read_text(encoding="utf-8") for p in [*ROOT.glob("rag/*.py"), ROOT / "Makefile"])
    known = {f"{ENV_PREFIX}{row.split('`')[1].upper()}" for row in settings_table().splitlines()[2:]}
    assert {name for name in named if name not in known and name not in source} == set()
