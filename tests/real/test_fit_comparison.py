"""The networks that compare claims word by word are read with numpy as they were fitted with torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval import fit_comparison
from eval.fit_comparison import Example
from rag import build, support_comparison, support_model
from rag.config import Config
from rag.protocols import TokenEmbedder
from rag.support_comparison import Combination, Compared, Comparison, Thresholds, compared
from rag.support_reading import Reading, read

pytestmark = pytest.mark.real

EVIDENCE = "The adapter lowers the error of the parser from 9.1 to 7.4 points on short German sentences."
TRUE = (
    "With the adapter, the parser makes fewer mistakes on short sentences in German.",
    "On short German sentences the parser's error falls to 7.4 points once the adapter is used.",
)
FALSE = (
    "With the adapter, the parser makes more mistakes on short sentences in German.",
    "On long German sentences the parser's error falls to 9.1 points once the adapter is used.",
)


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    embedder = build.build_embedder(Config(device="cpu"))
    assert isinstance(embedder, TokenEmbedder)
    texts = (EVIDENCE, *TRUE, *FALSE)
    return {text: read(text, tokens) for text, tokens in zip(texts, embedder.read_tokens(texts), strict=True)}


@pytest.fixture(scope="module")
def pairs(readings: dict[str, Reading]) -> list[tuple[Compared, bool]]:
    rarity = support_model.load().rarity
    found = [(compared(readings[text], readings[EVIDENCE], rarity), text in TRUE) for text in (*TRUE, *FALSE)]
    return [(one, true) for one, true in found if one]


def test_what_is_fitted_is_what_is_read(
    pairs: list[tuple[Compared, bool]], readings: dict[str, Reading], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = [fit_comparison.fit([Example(one, true, 1.0) for one, true in pairs], seed=seed) for seed in (0, 1)]
    counted = Combination(0.5, 2.0, -1.0, Thresholds(0.75, 0.25))
    fit_comparison.save(networks, counted, tmp_path / "networks.npz")
    monkeypatch.setattr(support_comparison, "FILE", tmp_path / "networks.npz")
    stored, combination = support_comparison.networks.__wrapped__()
    assert (len(stored), combination) == (2, counted)
    comparison = Comparison(stored, combination, support_model.load().rarity)
    mean = np.mean([fit_comparison.log_odds(network, [one for one, _ in pairs]) for network in networks], axis=0)
    read_back = [comparison.log_odds(readings[text], readings[EVIDENCE]) for text in (*TRUE, *FALSE)]
    np.testing.assert_allclose(read_back, mean, atol=0.02)  # weights are stored in half precision
    both = comparison.combined(3.0, readings[TRUE[0]], readings[EVIDENCE])
    assert both == pytest.approx(0.5 * 3.0 + 2.0 * read_back[0] - 1.0)


def test_a_network_learns_what_it_is_shown(pairs: list[tuple[Compared, bool]]) -> None:
    network = fit_comparison.fit([Example(one, true, 1.0) for one, true in pairs] * 80)
    found = fit_comparison.log_odds(network, [one for one, _ in pairs])
    assert min(found[:2]) > max(found[2:])


def test_texts_without_words_say_nothing(readings: dict[str, Reading]) -> None:
    comparison = support_model.load().comparison
    empty = Reading("", (), (), (), (), (), {}, np.zeros((0, 384), np.float32), None)
    assert comparison.log_odds(empty, readings[EVIDENCE]) == 0.0
    with pytest.raises(ValueError, match="without them"):
        comparison.log_odds(read(TRUE[0]), readings[EVIDENCE])
