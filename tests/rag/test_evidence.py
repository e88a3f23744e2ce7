"""Sentences are scored by how well they bear on the question, and papers ranked by how well they meet its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag import sentences
from rag.evidence import WEIGHTS, EvidenceScorer, Look, PaperEvidence, features
from rag.injection import statement_spans
from rag.question import read
from rag.rerank import rerank
from rag.text import numbers, terms
from rag.types import Candidate, Chunk, Paper, ScoredPassage
from tests.fakes import FakeCatalog, FakeEmbedder, FakeTermIndex, embedded_papers
from tests.rag.claims import MINFERENCE, PAPERS, TUNING

EMPTY = Paper("empty", "A title alone", "")


def passages(*papers: Paper) -> list[ScoredPassage]:
    return [ScoredPassage(Chunk(p, 0, len(p.abstract)), 1 / n, n) for n, p in enumerate(papers, start=1)]


@pytest.fixture
def scorer() -> EvidenceScorer:
    terms = FakeTermIndex()
    terms.upsert(PAPERS)
    return EvidenceScorer(FakeEmbedder(), terms, FakeCatalog())


def evidence(scorer: EvidenceScorer, question: str, *papers: Paper) -> dict[str, PaperEvidence]:
    return scorer.of(read(question), passages(*papers))


def look_at(scorer: EvidenceScorer, question: str, *papers: Paper) -> Look:
    fused = {paper.id: 1 / rank for rank, paper in enumerate(papers, start=1)}
    return scorer.look(read(question), fused, {paper.id: paper for paper in papers})


def matches(scorer: EvidenceScorer, question: str, *papers: Paper) -> dict[str, float]:
    return look_at(scorer, question, *papers).matches


@pytest.mark.parametrize(
    ("question", "paper", "begins"),
    [
        ("By how much does MInference reduce inference latency?", MINFERENCE, "MInference reduces"),
        ("How long does an 8B LLM take for a prompt of 1M tokens?", MINFERENCE, "It takes 30 minutes"),
        ("How many patients and volunteers did the trial enroll?", TUNING, "The trial enrolled"),
        ("What does removing the controller do to stability?", TUNING, "Removing the controller"),
    ],
)
def test_the_sentence_that_answers_scores_best(
    scorer: EvidenceScorer, question: str, paper: Paper, begins: str
) -> None:
    assert evidence(scorer, question, paper)[paper.id].best.text.startswith(begins)


def test_every_sentence_is_scored_in_reading_order_with_its_place(scorer: EvidenceScorer) -> None:
    found = evidence(scorer, "latency", *PAPERS)
    for paper in PAPERS:
        sentences = found[paper.id].sentences
        assert "".join(e.text for e in sentences).replace(" ", "") == paper.abstract.replace(" ", "")
        assert [e.start for e in sentences] == sorted(e.start for e in sentences)
        for e in sentences:
            assert paper.abstract[e.start : e.end] == e.text
            assert 0 < e.score < 1


def test_a_paper_without_a_sentence_gives_none_but_is_matched_by_its_title(scorer: EvidenceScorer) -> None:
    assert evidence(scorer, "title", EMPTY, MINFERENCE).keys() == {MINFERENCE.id}
    found = matches(scorer, "title", EMPTY, MINFERENCE)
    assert found[EMPTY.id] > found[MINFERENCE.id]
    assert matches(scorer, "title") == {}
    assert evidence(scorer, "title") == {}


def test_vectors_that_the_index_keeps_are_not_made_again_and_give_the_same(scorer: EvidenceScorer) -> None:
    rows = [(paper, (Chunk(paper, 0, len(paper.abstract)),)) for paper in PAPERS]
    catalog, embedder, terms = FakeCatalog(), FakeEmbedder(), FakeTermIndex()
    terms.upsert(PAPERS)
    catalog.upsert(rows, tokens=embedded_papers(rows).tokens)
    kept = EvidenceScorer(embedder, terms, catalog)
    question = "By how much does MInference reduce inference latency?"
    assert matches(kept, question, *PAPERS) == pytest.approx(matches(scorer, question, *PAPERS))
    assert evidence(kept, question, *PAPERS).keys() == {paper.id for paper in PAPERS}
    assert embedder.embedded == []


def test_an_index_that_keeps_nothing_to_look_at_gives_the_same(scorer: EvidenceScorer) -> None:
    rows = [(paper, (Chunk(paper, 0, len(paper.abstract)),)) for paper in PAPERS]
    full, bare, terms = FakeCatalog(), FakeCatalog(), FakeTermIndex()
    terms.upsert(PAPERS)
    full.upsert(rows, tokens=embedded_papers(rows).tokens)
    bare.upsert(rows)
    bare.sentences = lambda paper_ids: {}  # type: ignore[method-assign]
    fused = {paper.id: 1 / rank for rank, paper in enumerate(PAPERS, start=1)}
    asked = read("By how much does MInference reduce inference latency?")
    looks = [EvidenceScorer(FakeEmbedder(), terms, catalog).look(asked, fused) for catalog in (full, bare)]
    assert looks[0].matches == pytest.approx(looks[1].matches)
    gone = EvidenceScorer(FakeEmbedder(), terms, bare).look(asked, {**fused, "gone": 0.5})
    assert gone.scores == fused
    assert gone.matches == pytest.approx(looks[1].matches)


def test_rare_words_weigh_more_than_common_ones(scorer: EvidenceScorer) -> None:
    common, rare = scorer.idf("accuracy"), scorer.idf("volunteers")
    assert 0 < min(common.values()) < min(rare.values()) < min(scorer.idf("unheard").values())


def candidates(*papers: Paper) -> list[Candidate]:
    return [Candidate(p.id, f"{p.id}:0-1:a", 1 / n, n, 0.5, n, None) for n, p in enumerate(papers, start=1)]


def test_a_paper_that_meets_the_words_overtakes_one_that_is_merely_alike() -> None:
    found = {p.id: match for p, match in ((MINFERENCE, 0.1), (TUNING, 0.9), (EMPTY, 0.1))}
    again = rerank(candidates(MINFERENCE, TUNING, EMPTY), found)
    assert [(c.paper_id, c.rank) for c in again] == [(TUNING.id, 2), (MINFERENCE.id, 1), (EMPTY.id, 3)]


def test_papers_nobody_looked_at_keep_their_order() -> None:
    ranked = candidates(MINFERENCE, TUNING, EMPTY)
    assert rerank(ranked, {}) == ranked


@pytest.mark.parametrize("asked", ["How many patients did the trial enroll?", "sparse attention latency", "of", "?"])
def test_the_features_of_a_sentence_are_what_their_names_say(scorer: EvidenceScorer, asked: str) -> None:
    found = passages(*PAPERS, EMPTY)
    look = look_at(scorer, asked, *PAPERS, EMPTY)
    rows = iter(features(look))
    total = sum(look.idf.values()) or 1.0
    for passage, own, met, means in zip(found, look.sentences, look.interactions, look.means(), strict=True):
        abstract, title = passage.paper.abstract, set(terms(passage.paper.title))
        spans = statement_spans(abstract)
        for place, (start, end) in enumerate(spans):
            text, held = abstract[start:end], set(terms(abstract[start:end]))
            number = float(bool(numbers(text)))
            wanted = {
                "match": met.sentences[place],
                "mean": means[place],
                "coverage": sum(weight for term, weight in look.idf.items() if term in held) / total,
                "coverage_with_title": sum(w for term, w in look.idf.items() if term in held | title) / total,
                "paper": passage.score,
                "number_wanted": number * read(asked).wants_number,
                "number": number,
                "position": place / max(1, len(spans) - 1),
                "length": min(end - start, 400) / 400,
                "first": float(place == 0),
                "below_best": met.sentences[place] - max(met.sentences),
                **dict(zip(("contribution", "result", "background"), map(float, own.cues[place]), strict=True)),
            }
            assert dict(zip(WEIGHTS, next(rows), strict=True)) == pytest.approx(wanted)
    assert next(rows, None) is None


def test_what_a_sentence_does_in_an_abstract_is_told_by_its_words() -> None:
    texts = [
        "However, existing indexes are slow on long documents.",
        "We propose a sparse index for long documents.",
        "Experiments on Bar improve recall by 12%.",
        "The index holds a million vectors.",
    ]
    found = sentences.of(Paper("cues", "An index", " ".join(texts)))
    assert found.cues.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_a_part_of_what_was_looked_at_gives_the_same_evidence(scorer: EvidenceScorer) -> None:
    look, found = look_at(scorer, "latency", *PAPERS), passages(*PAPERS)
    tuning = [passage for passage in found if passage.paper.id == TUNING.id]
    [alone] = scorer.score(look, tuning).values()
    among_others = scorer.score(look, found)[TUNING.id]
    assert [e.text for e in alone.sentences] == [e.text for e in among_others.sentences]
    assert [e.score for e in alone.sentences] == pytest.approx([e.score for e in among_others.sentences])
    # The higher its paper was ranked in the end, the likelier a sentence answers.
    (better,) = [replace(passage, score=passage.score + 1) for passage in tuning]
    assert scorer.score(look, [better])[TUNING.id].best.score > alone.best.score


def test_how_much_of_a_question_the_papers_have_is_weighed_by_rarity(scorer: EvidenceScorer) -> None:
    look = look_at(scorer, "How much does MInference reduce latency?", *PAPERS)
    assert look.share({MINFERENCE.id}) == pytest.approx(1.0)
    assert look.share({MINFERENCE.id, TUNING.id}) == look.share({MINFERENCE.id})  # the one that has most counts
    assert look.share({TUNING.id}) < 0.5
    # What no paper has is rarest of all.
    assert look_at(scorer, "Does MInference reduce earthquakes?", *PAPERS).share({MINFERENCE.id}) < 0.8
    assert look.share(()) == 0.0
    assert look_at(scorer, "What is it?", *PAPERS).share({TUNING.id}) == 1.0  # asks for nothing by name
