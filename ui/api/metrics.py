"""Counters, gauges and histograms in Prometheus' text format; no library, because sixty lines do."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[str, ...]


class Counter:
    """A number that only grows, by labels."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        self.name, self.meaning, self._labels = name, meaning, tuple(labels)
        self._values: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, *labels: str, by: float = 1) -> None:
        """Adds `by` under these label values."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def lines(self) -> list[str]:
        """One line a label set."""
        with self._lock:
            return [f"{self.name}{_shown(self._labels, key)} {value:g}" for key, value in sorted(self._values.items())]


class Gauge:
    """A number that is read when it is asked for."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, read: Callable[[], float | None]) -> None:
        self.name, self.meaning, self._read = name, meaning, read

    def lines(self) -> list[str]:
        """One line, or none where there is nothing to read."""
        value = self._read()
        return [] if value is None else [f"{self.name} {value:.15g}"]


class Histogram:
    """Seconds in buckets, by labels."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        self.name, self.meaning, self._labels = name, meaning, tuple(labels)
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def observe(self, seconds: float, *labels: str) -> None:
        """Notes one measurement."""
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(BUCKETS) + 1))
            counts[next((i for i, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + seconds

    def lines(self) -> list[str]:
        """Cumulative buckets, sum and count of each label set."""
        found: list[str] = []
        with self._lock:
            for key, counts in sorted(self._counts.items()):
                total = 0
                for bound, count in zip([*(f"{b:g}" for b in BUCKETS), "+Inf"], counts, strict=True):
                    total += count
                    found.append(f"{self.name}_bucket{_shown((*self._labels, 'le'), (*key, bound))} {total}")
                found.append(f"{self.name}_sum{_shown(self._labels, key)} {self._sums[key]:.6f}")
                found.append(f"{self.name}_count{_shown(self._labels, key)} {total}")
        return found


Metric = Counter | Gauge | Histogram


class Metrics:
    """Everything that the API counts."""

    def __init__(self, gauges: Sequence[Gauge] = ()) -> None:
        self.requests = Counter("paperchat_requests_total", "Requests answered.", ("path", "method", "status"))
        self.seconds = Histogram("paperchat_request_seconds", "Seconds a request took.", ("path",))
        self.stages = Histogram("paperchat_stage_seconds", "Seconds from a question's start to a stage.", ("stage",))
        self.answers = Counter("paperchat_answers_total", "Answers by how they came about.", ("mode",))
        self.sentences = Counter("paperchat_sentences_total", "Sentences by whether they were shown.", ("shown",))
        self.tokens = Counter("paperchat_tokens_total", "Tokens of the language model.", ("kind",))
        self.turned_away = Counter("paperchat_turned_away_total", "Requests refused, by error code.", ("code",))
        self.papers = Counter("paperchat_ingested_total", "Records ingested over HTTP.", ("outcome",))
        self._gauges = [*gauges, *_process_gauges()]

    def text(self) -> str:
        """The page that Prometheus reads."""
        lines: list[str] = []
        own: list[Metric] = [value for value in vars(self).values() if isinstance(value, Counter | Histogram)]
        for metric in [*own, *self._gauges]:
            lines += [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        return "\n".join(lines) + "\n"


def _process_gauges() -> list[Gauge]:
    start = time.time()
    return [
        Gauge("process_resident_memory_bytes", "Memory of this process.", resident_bytes),
        Gauge("process_open_fds", "Open file descriptors.", _open_files),
        Gauge("process_start_time_seconds", "Start, in seconds since 1970.", lambda: start),
    ]


def resident_bytes() -> float | None:
    """Memory of this process; `None` where the system does not tell (it is no Linux)."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    return None


def _open_files() -> float | None:
    with suppress(OSError):
        return float(sum(1 for _ in Path("/proc/self/fd").iterdir()))
    return None


def _shown(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
