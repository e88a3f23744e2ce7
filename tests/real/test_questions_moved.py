"""The bundled model reads questions a little differently from abstracts, and abstracts as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rag.adapters import question_fit, questions
from rag.adapters.embedder import TransformersEmbedder, bundled_folder
from rag.adapters.question_fit import QuestionFit

pytestmark = pytest.mark.real

ASKED = [
    "How can a phone answer without sending my voice anywhere?",
    "cheaper training of big translators",
    "Which method shortens prompts, and by how much?",
]


@pytest.fixture(scope="module")
def moving() -> TransformersEmbedder:
    return TransformersEmbedder("bundled", "cpu")


@pytest.fixture(scope="module")
def unmoved() -> TransformersEmbedder:
    return TransformersEmbedder("bundled", "cpu", unmoved=True)


def test_a_question_is_moved_but_stays_near_itself(moving: TransformersEmbedder) -> None:
    for text in ASKED:
        vector, said = moving.embed_query(text), moving.embed_unmoved(text)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(moving.query_tokens(text).vectors, axis=1) == pytest.approx(1, abs=1e-5)
        assert 0.4 < float(vector @ said) < 0.999


def test_what_was_said_and_abstracts_are_read_by_the_model_as_it_is(
    moving: TransformersEmbedder, unmoved: TransformersEmbedder
) -> None:
    for text in ASKED:
        assert np.allclose(moving.embed_unmoved(text), unmoved.embed_query(text), atol=1e-6)
    assert np.allclose(moving.embed(ASKED), unmoved.embed(ASKED), atol=1e-6)


def test_the_embeddings_of_words_are_in_memory_once(moving: TransformersEmbedder) -> None:
    asking = questions.asking(moving.encoder)
    assert asking.embeddings is moving.encoder.embeddings
    assert asking.encoder is not moving.encoder.encoder


def test_another_model_reads_questions_as_it_does() -> None:
    other = TransformersEmbedder(str(bundled_folder()), "cpu")
    assert np.array_equal(other.embed_query(ASKED[0]), other.embed_unmoved(ASKED[0]))


def test_a_question_without_content_words_has_no_tokens(moving: TransformersEmbedder) -> None:
    assert moving.query_tokens("What is it?").vectors.shape == (0, 64)


def test_what_was_fitted_is_what_reads_afterwards(
    unmoved: TransformersEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = QuestionFit(unmoved)
    fitting.train(False)
    vectors, tokens = fitting.read(ASKED)
    for n, text in enumerate(ASKED):  # nothing is fitted yet
        assert np.allclose(vectors[n].detach(), unmoved.embed_query(text), atol=1e-5)
        assert np.allclose(tokens[n].detach(), unmoved.query_tokens(text).vectors, atol=1e-5)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in fitting.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draw))
    monkeypatch.setattr(question_fit, "KEPT", 1.0)
    fitting.save(tmp_path / "fitted.npz")
    monkeypatch.setattr(questions, "FITTED", tmp_path / "fitted.npz")
    reading = TransformersEmbedder("bundled", "cpu")
    vectors, tokens = fitting.read(ASKED)
    for n, text in enumerate(ASKED):
        vector = vectors[n].detach().numpy()
        assert float(vector @ reading.embed_query(text)) > 0.999
        assert float(vector @ reading.embed_unmoved(text)) < 0.99
        assert (tokens[n].detach().numpy() * reading.query_tokens(text).vectors).sum(axis=1).min() > 0.99
