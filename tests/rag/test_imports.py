"""The fast suite, the command line's help and the types need no heavy library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import rag

ROOT = Path(rag.__file__).parents[1]
HEAVY = ("torch", "transformers", "chromadb", "gradio", "llama_index", "tantivy")


def loaded(code: str) -> set[str]:
    code += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_answering_questions_imports_no_heavy_library_by_itself() -> None:
    assert not loaded("import rag.pipeline, rag.build, tests.fakes") & set(HEAVY)


def test_the_values_need_the_standard_library_only() -> None:
    assert loaded("import rag.types") - {"rag", "__main__"} <= set(sys.stdlib_module_names) | site_packages_hooks()


def site_packages_hooks() -> set[str]:
    """What any Python process of this environment has loaded before the first import."""
    return loaded("pass")
