"""One small tree of errors. Each message says what is wrong and, after a full stop, what to do."""

from __future__ import annotations


class PaperchatError(Exception):
    """Anything the user can be told in one sentence; the work failed (exit code 1)."""


class UsageError(PaperchatError):
    """The command, a setting or a request was not understood (exit code 2)."""


class ConfigError(UsageError):
    """A setting is unknown or its value cannot be used."""


class SourceError(PaperchatError):
    """A file to ingest cannot be read, or holds no paper."""


class PaperIndexError(PaperchatError):
    """The index is missing, busy, damaged, or cannot be written."""


class IndexMissingError(PaperIndexError):
    """There is no index in the folder."""


class IndexMismatchError(PaperIndexError):
    """The index was built by another embedding model or an incompatible version."""


class IndexBusyError(PaperIndexError):
    """Another process is writing to the index."""


class ModelError(PaperchatError):
    """A model cannot be found, loaded or reached."""


class GenerationError(PaperchatError):
    """The model failed while it wrote an answer."""
