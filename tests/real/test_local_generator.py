"""The bundled language model in this process: streaming, stopping, failing, queueing, converting."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.adapters.bundled import converted_folder, ensure_converted, is_converted
from rag.adapters.local import LocalGenerator
from rag.config import Config
from rag.errors import GenerationError, ModelError
from rag.protocols import GenerationLimits
from tests.real.conftest import PATIENCE, ROOT, environment

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

LONG = [{"role": "user", "content": "Tell a long story about the sea, with many details."}]
SHORT = [{"role": "user", "content": "Name one colour."}]


@pytest.fixture(scope="module")
def generator() -> LocalGenerator:
    return LocalGenerator("bundled", "cpu", Config.load().cache)


@pytest.fixture
def forward(generator: LocalGenerator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Counts forward calls of the model; `failing` raises from the nth on."""

    def wrap(failing: tuple[int, Exception] | None = None) -> list[int]:
        calls: list[int] = []
        real = generator._model.forward

        @functools.wraps(real)
        def counted(*args: Any, **kwargs: Any) -> Any:
            calls.append(len(calls))
            if failing and len(calls) > failing[0]:
                raise failing[1]
            return real(*args, **kwargs)

        monkeypatch.setattr(generator._model, "forward", counted)
        return calls

    return wrap


def stream(
    generator: LocalGenerator, messages: Any = SHORT, tokens: int = 40, cancel: threading.Event | None = None
) -> Iterator[str]:
    return generator.stream(messages, GenerationLimits(tokens), cancel or threading.Event())


def works(generator: LocalGenerator) -> bool:
    """Does the model answer, and is nobody left in its queue?"""
    return bool("".join(stream(generator)).strip()) and generator.waiting() == 0


def test_an_answer_comes_in_several_pieces(generator: LocalGenerator) -> None:
    pieces = list(stream(generator, LONG, 60))
    assert len(pieces) > 5
    assert all(pieces)
    text = "".join(pieces)
    assert len(text.split()) > 20
    assert "<|" not in text
    assert text == "".join(stream(generator, LONG, 60))


def test_the_first_piece_is_there_before_the_last_is_written(generator: LocalGenerator, forward: Any) -> None:
    calls = forward()
    pieces = stream(generator, LONG, 100)
    next(pieces)
    early = len(calls)
    rest = list(pieces)
    assert rest
    assert len(calls) > early


def test_an_answer_is_no_longer_than_allowed(generator: LocalGenerator) -> None:
    text = "".join(stream(generator, LONG, 20))
    assert 10 < generator.count_tokens(text) <= 20


def test_a_prompt_is_counted_with_its_template(generator: LocalGenerator) -> None:
    content = LONG[0]["content"]
    assert generator.prompt_tokens(LONG) > generator.count_tokens(content) > 5
    assert generator.context_tokens >= 2048


def test_a_stop_ends_the_computation_within_a_few_tokens(generator: LocalGenerator, forward: Any) -> None:
    calls = forward()
    cancel = threading.Event()
    pieces = stream(generator, LONG, 2000, cancel)
    for _ in range(3):
        next(pieces)
    cancel.set()
    at_stop = len(calls)
    list(pieces)
    assert len(calls) - at_stop <= 3
    assert generator.waiting() == 0
    after = len(calls)
    time.sleep(0.5)
    assert len(calls) == after


def test_a_reader_who_goes_away_ends_the_computation(generator: LocalGenerator, forward: Any) -> None:
    calls = forward()
    pieces = stream(generator, LONG, 2000)
    next(pieces)
    at_leaving = len(calls)
    pieces.close()  # type: ignore[attr-defined]
    assert len(calls) - at_leaving <= 3
    after = len(calls)
    time.sleep(0.5)
    assert len(calls) == after
    assert works(generator)


def test_an_answer_stopped_before_it_began_is_never_computed(generator: LocalGenerator, forward: Any) -> None:
    calls = forward()
    cancel = threading.Event()
    cancel.set()
    assert list(stream(generator, LONG, 100, cancel)) == []
    assert calls == []


@pytest.mark.parametrize("after", [0, 4])
def test_a_failure_inside_the_model_reaches_the_reader(
    generator: LocalGenerator, forward: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    forward((after, RuntimeError("the weights have melted")))
    pieces: list[str] = []
    with pytest.raises(GenerationError) as error:
        pieces.extend(stream(generator, LONG, 100))
    assert "Ask again" in str(error.value)
    monkeypatch.undo()
    assert works(generator)


def test_a_lack_of_memory_is_called_so(generator: LocalGenerator, forward: Any, monkeypatch: Any) -> None:
    forward((0, RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")))
    with pytest.raises(GenerationError) as error:
        list(stream(generator, LONG, 100))
    assert "out of memory" in str(error.value)
    assert "evidence-tokens" in str(error.value)
    monkeypatch.undo()
    assert works(generator)


class Caller(threading.Thread):
    """A reader in a thread of its own; what happens to it is noted in a log that all share."""

    def __init__(self, generator: LocalGenerator, name: str, log: list[str], tokens: int = 25) -> None:
        super().__init__(name=name, daemon=True)
        self.generator, self.log, self.tokens = generator, log, tokens
        self.cancel = threading.Event()
        self.pieces: list[str] = []

    def run(self) -> None:
        for piece in stream(self.generator, LONG, self.tokens, self.cancel):
            self.pieces.append(piece)
            self.log.append(self.name)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_callers_are_served_in_the_order_they_came(generator: LocalGenerator) -> None:
    log: list[str] = []
    callers = [Caller(generator, name, log) for name in ("first", "second", "third")]
    for ahead, caller in enumerate(callers, start=1):
        caller.start()
        wait_until(lambda ahead=ahead: generator.waiting() >= ahead or log)
    for caller in callers:
        caller.join(PATIENCE)
    assert list(dict.fromkeys(log)) == ["first", "second", "third"]
    # Nobody's answer is mixed with another's: who is being served is served to the end.
    assert log == sorted(log, key=["first", "second", "third"].index)
    assert callers[0].pieces == callers[1].pieces == callers[2].pieces
    assert generator.waiting() == 0


def test_who_gives_up_while_waiting_leaves_the_queue(generator: LocalGenerator) -> None:
    log: list[str] = []
    first, second = Caller(generator, "first", log, 1000), Caller(generator, "second", log)
    first.start()
    wait_until(lambda: first.pieces)
    second.start()
    wait_until(lambda: generator.waiting() == 2)
    second.cancel.set()
    second.join(PATIENCE)
    assert second.pieces == []
    assert first.is_alive()
    first.cancel.set()
    first.join(PATIENCE)
    assert works(generator)


@pytest.mark.parametrize("name", ["/no/such/folder", "./no-such-folder", ""])
def test_a_model_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        LocalGenerator(name, "cpu", tmp_path)
    assert "cannot be loaded" in str(error.value)


def test_a_folder_with_damaged_weights_is_no_model(tmp_path: Path) -> None:
    for file in converted_folder(Config.load().cache).iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"These are no weights." * 100)
    with pytest.raises(ModelError) as error:
        LocalGenerator(str(tmp_path), "cpu", tmp_path)
    assert "cannot be loaded" in str(error.value)


# --- conversion ----------------------------------------------------------------------------------------

CONVERT = "import sys, pathlib, rag.adapters.bundled as b; b.ensure_converted(pathlib.Path(sys.argv[1]))"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which a conversion was killed once it had begun to write."""
    cache = tmp_path_factory.mktemp("cache")
    process = subprocess.Popen([sys.executable, "-c", CONVERT, str(cache)], cwd=ROOT, env=environment())
    deadline = time.monotonic() + PATIENCE
    while not list((cache / "models").glob(".converting-*/model/*")):
        assert process.poll() is None, "the conversion ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    process.wait()
    return cache


def test_a_conversion_cut_short_is_not_taken_for_the_model(interrupted: Path) -> None:
    assert not is_converted(interrupted)
    assert not converted_folder(interrupted).exists()


def test_the_next_start_converts_again_and_leaves_only_the_model(interrupted: Path) -> None:
    folder = ensure_converted(interrupted)
    assert is_converted(interrupted)
    generator = LocalGenerator("bundled", "cpu", interrupted)
    assert works(generator)
    assert generator.name == "SmolLM2-135M-Instruct"
    assert list(folder.parent.iterdir()) == [folder]


def test_a_cache_without_room_is_told_and_left_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ModelError) as error:
        ensure_converted(tmp_path)
    assert "--cache" in str(error.value)
    assert not is_converted(tmp_path)
