"""Pipelines as readers wish to have them: their own settings over the same index and models."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from rag import build
from rag.config import Config
from rag.errors import ModelError
from rag.index import Index
from rag.pipeline import Pipeline
from rag.protocols import GenerationLimits, Generator
from ui.preferences import Preferences

if TYPE_CHECKING:
    from ui.engine import Engine

KEPT = 16
# Beside the model paperchat was started with: each takes its memory.
OTHER_MODELS = 1
PROBE = "Say: ready."


class Pipelines:
    """One pipeline for each set of choices in use. Assembling one is cheap; only another model takes time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._pipelines: OrderedDict[Preferences, Pipeline] = OrderedDict()
        self._index: Index | None = None
        self._generators: OrderedDict[str, Generator] = OrderedDict()

    def get(self, preferences: Preferences) -> Pipeline:
        """The pipeline for these choices; loads the model they name, where it is another.

        Raises:
            PaperchatError: Loading failed.
        """
        wished = replace(preferences, history=True)
        if wished == Preferences():
            return self._engine.pipeline()
        parts = self._engine.parts()
        with self._lock:
            if parts.index is not self._index:  # it was rebuilt, and the stores of the old one are gone
                self._pipelines.clear()
                self._index = parts.index
            if wished not in self._pipelines:
                generator = parts.generator
                if wished.quotes_only:
                    generator = None
                elif wished.model:
                    generator = self._generator(wished.model, parts.config)
                config = wished.applied(parts.config)
                self._pipelines[wished] = build.assemble(config, parts.index, parts.embedder, generator)
            self._pipelines.move_to_end(wished)
            while len(self._pipelines) > KEPT:
                self._pipelines.popitem(last=False)
            return self._pipelines[wished]

    def test(self, model: str) -> tuple[str, str, float]:
        """Loads a model and lets it write a few words.

        Returns:
            Its name, where it runs, and the seconds it took.

        Raises:
            PaperchatError: It cannot be found, loaded, reached, or does not write.
        """
        begun = time.monotonic()
        parts = self._engine.parts()
        with self._lock:
            generator = self._generator(model, parts.config) if model else parts.generator
        if generator is None:
            raise ModelError("paperchat was started without a language model. Name one.")
        messages = [{"role": "user", "content": PROBE}]
        if not "".join(generator.stream(messages, GenerationLimits(8), threading.Event())).strip():
            raise ModelError(f"{generator.name} answers with nothing. Choose another model.")
        return generator.name, generator.device, time.monotonic() - begun

    def _generator(self, model: str, config: Config) -> Generator:
        if model not in self._generators:
            # The token is for the server it was given for, not for whatever address a reader types.
            key = config.server_key if model == config.model else ""
            # So is an adapter for the model it was named with.
            adapter = config.adapter if model == config.model else "auto"
            wanted = replace(config, model=model, server_model="", server_key=key, adapter=adapter)
            generator = build.build_generator(wanted)
            while len(self._generators) >= OTHER_MODELS:
                gone, _ = self._generators.popitem(last=False)
                for wished in [wished for wished in self._pipelines if wished.model == gone]:
                    del self._pipelines[wished]
            self._generators[model] = generator
        return self._generators[model]
