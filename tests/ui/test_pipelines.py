"""Pipelines for readers' own choices."""

from __future__ import annotations

from rag.config import Config
from rag.types import Paper
from tests.fakes import FakeEmbedder, build_fake_index
from ui.engine import Parts
from ui.pipelines import Pipelines
from ui.preferences import Preferences


class Engine:
    """Loaded, over an index that can be exchanged, as `paperchat reindex` does."""

    def __init__(self) -> None:
        self.index = build_fake_index([Paper("a", "Corals", "Corals bleach.")])

    def parts(self) -> Parts:
        return Parts(Config(), self.index, FakeEmbedder(), None)


def test_after_a_reindex_nobody_asks_the_old_index() -> None:
    engine = Engine()
    pipelines = Pipelines(engine)  # type: ignore[arg-type]
    chosen = Preferences(k=5)
    first = pipelines.get(chosen)
    assert pipelines.get(chosen) is first
    engine.index = build_fake_index([Paper("b", "Kelp", "Kelp grows.")])
    second = pipelines.get(chosen)
    assert second.index is engine.index
    assert pipelines.get(chosen) is second
