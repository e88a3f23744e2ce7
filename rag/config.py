"""Settings: one frozen object. Order of precedence: flag, environment, file, default."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs

from rag.errors import ConfigError
from rag.order import Ordering

ENV_PREFIX = "PAPERCHAT_"
FILE_NAME = "paperchat.toml"

# Read elsewhere, so never taken for a misspelt setting.
OTHER_ENVIRONMENT = frozenset({"PAPERCHAT_CONFIG", "PAPERCHAT_DATA"})

BUNDLED = "bundled"
SupportLevel = Literal["strict", "lenient"]
Profile = Literal["best", "fast"]
Rewrite = Literal["auto", "rules", "model"]
LogFormat = Literal["text", "json"]


def _default_index() -> Path:
    return Path(platformdirs.user_data_dir("paperchat")) / "index"


def _default_cache() -> Path:
    return Path(platformdirs.user_cache_dir("paperchat"))


def _default_conversations() -> Path:
    return Path(platformdirs.user_data_dir("paperchat")) / "conversations.sqlite"


def _setting(
    default: Any,
    meaning: str,
    *,
    choices: tuple[str, ...] = (),
    low: float = 0,
    high: float = 1e9,
    secret: bool = False,
) -> Any:
    metadata = {"help": meaning, "choices": choices, "low": low, "high": high, "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    # A secret must not reach a log or a report by way of the object's text.
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, with its default. The README's table is made from this class."""

    index: Path = _setting(_default_index, "folder of the index")
    cache: Path = _setting(_default_cache, "folder for the converted bundled model")
    chroma_url: str = _setting(
        "", "address of a Chroma server (`chroma run`) for the vectors; empty: in the index folder"
    )
    embedding_model: str = _setting(BUNDLED, "`bundled` (all-MiniLM-L6-v2), a sentence-transformers folder or hub name")
    model: str = _setting(
        BUNDLED,
        "`bundled` (SmolLM2-135M-Instruct), a folder, a hub name, or the URL of an OpenAI-compatible server",
    )
    server_model: str = _setting("", "model to ask a server for; empty: the first it lists")
    server_key: str = _setting("", "token sent to the server, if it wants one", secret=True)
    adapter: str = _setting(
        "auto",
        "RAG-tuned adapter of the model: a shipped one's name, a folder of `paperchat tune`, `auto` (the shipped one "
        "for the model, if any) or `none`",
    )
    device: str = _setting("auto", "where models run", choices=("auto", "cpu", "cuda"))
    k: int = _setting(10, "papers whose evidence the model may read or an answer name", low=1, high=1000)
    candidates: int = _setting(100, "papers each retriever hands to fusion", low=1, high=10_000)
    profile: Profile = _setting(
        "best",
        "how many papers are looked at word by word: `best` 50, `fast` 10, sooner and a little less exact",
        choices=get_args(Profile),
    )
    dense_weight: float = _setting(0.5, "weight of meaning against words in fusion", low=0, high=1)
    ordering: Ordering = _setting(
        "auto",
        "order of papers in the prompt: `score`, `reverse`, the paper's `reorder`, or `auto`",
        choices=get_args(Ordering),
    )
    evidence_tokens: int = _setting(480, "tokens of evidence gathered for an answer", low=40, high=1_000_000)
    evidence_sentences: int = _setting(
        0, "best evidence sentences the model reads; 0: one by the bundled model, eight by any other", high=10_000
    )
    support: SupportLevel = _setting(
        "strict",
        "`strict` shows supported sentences only; `lenient` also weakly supported ones, marked as such",
        choices=get_args(SupportLevel),
    )
    # Set on the development questions over two collections, one wide (arXiv) and one narrow (NLP): it refuses 4 of 26
    # and 11 of 18 that have no answer there, and 0 of 74 and 3 of 62 that have one (docs/decisions/0006). It belongs to
    # the bundled embedding model; `paperchat eval refusal` finds another's.
    refuse_below: float = _setting(0.38, "questions that the papers cover less than this are refused", low=-1, high=2)
    max_new_tokens: int = _setting(120, "longest answer, in tokens", low=8, high=100_000)
    rewrite: Rewrite = _setting(
        "auto",
        "who spells out a follow-up: `rules` and retrieval, the `model`, or `auto`: a model other than the bundled one",
        choices=get_args(Rewrite),
    )
    conversations: Path = _setting(
        _default_conversations, "file of the conversations, feedback and choices made on the page"
    )
    reports: Path = _setting(Path("reports"), "folder of evaluation reports, whose figures the page shows")
    host: str = _setting("127.0.0.1", "address the page or the API listens on")
    port: int = _setting(7860, "port of the page", low=0, high=65_535)
    api_port: int = _setting(7861, "port of the HTTP API", low=0, high=65_535)
    api_key: str = _setting("", "token that clients of the API must send; several, separated by commas", secret=True)
    api_keys_file: str = _setting("", "file of more tokens as `name sha256:HEX` lines")
    api_parallel: int = _setting(
        0, "questions worked on at a time; 0: two, or 32 where a model server writes", low=0, high=1000
    )
    api_waiting: int = _setting(64, "requests that may wait; what comes then is told to come back (429)", high=10_000)
    api_seconds: int = _setting(300, "longest a request may take, waiting included", low=1, high=86_400)
    api_per_minute: int = _setting(0, "requests a minute that one client may send; 0: any number", high=1_000_000)
    api_upload_mb: int = _setting(64, "largest upload, in MB", low=1, high=100_000)
    log_format: LogFormat = _setting("text", "log lines of the API: `text` or `json`", choices=("text", "json"))

    @property
    def sentences_read(self) -> int:
        """`evidence_sentences`, or what suits the model.

        The bundled one takes over a sentence of those it is given, and chooses worse than the ranking: given three, its
        first sentence held an asked fact in .31 of 58 development answers, given one in .60.
        """
        return self.evidence_sentences or (1 if self.model == BUNDLED else 8)

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Config:
        """Reads file and environment and puts `overrides` (flags; `None` means not given) on top.

        Raises:
            ConfigError: A key is unknown or a value has the wrong type or range.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        path = _find_file(environ)
        if path is not None:
            values.update(_checked(_read_file(path), origin=str(path)))
        values.update(_checked(_from_environment(environ), origin="the environment", prefix=ENV_PREFIX))
        given = {key: value for key, value in (overrides or {}).items() if value is not None}
        values.update(_checked(given, origin="the command line"))
        return cls(**values)


def settings() -> tuple[Field[Any], ...]:
    """The fields of `Config`, for the help texts and the README's table."""
    return fields(Config)


def without_password(address: str) -> str:
    """An address as it may be shown and kept: what stands before its host is nobody else's business."""
    return re.sub(r"(?<=://)[^/?#]*@", "***@", address)


def settings_table() -> str:
    """The README's table: key, environment variable, meaning, default. Flags are the key with dashes."""
    lines = ["| key | environment | meaning | default |", "|---|---|---|---|"]
    for setting in settings():
        default = _shown_default(setting)
        meaning = setting.metadata["help"]
        lines.append(f"| `{setting.name}` | `{ENV_PREFIX}{setting.name.upper()}` | {meaning} | {default} |")
    return "\n".join(lines)


def _shown_default(setting: Field[Any]) -> str:
    # Folders differ from machine to machine.
    named = {"index": "user data folder", "cache": "user cache folder", "conversations": "user data folder"}
    default = default_of(setting)
    return named.get(setting.name) or (f"`{default}`" if default != "" else "none")


def default_of(setting: Field[Any]) -> object:
    """A setting's default value."""
    return getattr(Config(), setting.name)


def _find_file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("PAPERCHAT_CONFIG"):
        path = Path(named)
        if not path.is_file():
            raise ConfigError(f"PAPERCHAT_CONFIG names {path}, which is not a file. Correct or unset it.")
        return path
    for path in (Path(FILE_NAME), Path(platformdirs.user_config_dir("paperchat")) / FILE_NAME):
        if path.is_file():
            return path
    return None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML ({error}). Correct that line.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(ENV_PREFIX).lower(): value
        for key, value in environ.items()
        if key.startswith(ENV_PREFIX) and key not in OTHER_ENVIRONMENT
    }


def _checked(given: Mapping[str, Any], *, origin: str, prefix: str = "") -> dict[str, Any]:
    known = {setting.name: setting for setting in settings()}
    values: dict[str, Any] = {}
    for key, raw in given.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            shown = [prefix + (name.upper() if prefix else name) for name in (key, nearest)]
            raise ConfigError(f"Unknown setting {shown[0]!r} in {origin}. Did you mean {shown[1]!r}?")
        values[key] = _convert(known[key], raw, origin)
    return values


def _convert(setting: Field[Any], raw: Any, origin: str) -> Any:
    kind = {"Path": Path, "int": int, "float": float}.get(str(setting.type), str)
    try:
        wrong = isinstance(raw, bool) or not isinstance(raw, str | int | float | Path)
        if wrong or (kind is int and isinstance(raw, float)):
            raise ValueError
        value = kind(raw)
    except (TypeError, ValueError) as error:
        shown = "hidden" if setting.metadata["secret"] else repr(raw)
        raise ConfigError(
            f"{setting.name} in {origin} is {shown}, which is not {_article(kind.__name__)}. "
            f"The default is {default_of(setting)!r}."
        ) from error
    if isinstance(value, Path):
        return value.expanduser()
    choices = setting.metadata["choices"]
    if choices and value not in choices:
        raise ConfigError(f"{setting.name} in {origin} is {value!r}. Choose one of {', '.join(choices)}.")
    low, high = setting.metadata["low"], setting.metadata["high"]
    if isinstance(value, int | float) and not low <= value <= high:
        raise ConfigError(f"{setting.name} in {origin} is {value}. It must be from {low} to {high:g}.")
    return value


def _article(name: str) -> str:
    return {"int": "a whole number", "float": "a number"}.get(name, f"a {name}")
