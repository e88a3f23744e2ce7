"""No data becomes code: read off the source, because one careless call is enough."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui import cli

ROOT = Path(cli.__file__).parents[1]
FILES = sorted(path for name in ("rag", "ingest", "eval", "ui") for path in (ROOT / name).rglob("*.py"))
RUNS_WHAT_IT_READS = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "jsonpickle",
}
# Only for the name of the error that `torch.load(weights_only=True)` raises.
EXCEPTIONS = {("rag/tuning/train.py", "pickle")}
# Calls that read what may be somebody else's, and what has to be said in each.
NEEDED = {
    "from_pretrained": ("trust_remote_code", False),
    "load": ("weights_only", True),  # torch.load
    "np.load": ("allow_pickle", False),
}
FORBIDDEN = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "np.fromfile"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def says(call: ast.Call, name: str, value: bool) -> bool:
    for keyword in call.keywords:
        if keyword.arg is None:  # **what: a dictionary that says it, one line above
            return True
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value is value
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_that_is_read_is_run(path: Path) -> None:
    tree, name = ast.parse(path.read_text(encoding="utf-8")), path.relative_to(ROOT).as_posix()
    found = {module for module in imported(tree) & RUNS_WHAT_IT_READS if (name, module) not in EXCEPTIONS}
    assert found == set()
    for called, call in calls(tree):
        assert called not in FORBIDDEN, f"{name}:{call.lineno} calls {called}"
        last = called.rpartition(".")[2]
        wanted = {"torch.load": "load", "np.load": "np.load"}.get(called, last if last == "from_pretrained" else None)
        if wanted:
            keyword, value = NEEDED[wanted]
            assert says(call, keyword, value), f"{name}:{call.lineno}: say {keyword}={value}"
        if called.startswith("subprocess."):
            assert not any(keyword.arg == "shell" for keyword in call.keywords), f"{name}:{call.lineno} uses a shell"
