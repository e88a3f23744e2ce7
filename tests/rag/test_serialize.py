"""Records survive the way to disk and back, and an answer has the contract's keys."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.serialize import answer_to_dict, content_hash, paper_from_dict, paper_to_dict, passage_to_dict
from rag.types import Paper
from tests.fakes import build_fake_pipeline
from tests.rag.claims import MINFERENCE, PAPERS, VERBATIM

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME = st.none() | TEXT.filter(bool)
COUNT = st.none() | st.integers(0, 10_000)
PAPER = st.builds(
    Paper,
    id=TEXT.filter(bool),
    title=TEXT,
    abstract=TEXT,
    authors=st.lists(TEXT, max_size=3).map(tuple),
    author_count=COUNT,
    organization=SOME,
    date=SOME,
    venue=SOME,
    url=SOME,
    doi=SOME,
    arxiv_id=SOME,
    categories=st.lists(TEXT, max_size=3).map(tuple),
    comments=COUNT,
    kind=st.sampled_from(["abstract", "digest"]),
    source=TEXT,
    extra=st.dictionaries(TEXT, TEXT, max_size=3),
)
QUESTION = "What does MInference reduce for pre-filling on an A100?"


@given(PAPER)
def test_a_paper_survives_the_way_to_disk_and_back(paper: Paper) -> None:
    stored = json.dumps(paper_to_dict(paper), ensure_ascii=False).encode()
    assert paper_from_dict(json.loads(stored)) == paper


@given(PAPER)
def test_a_papers_hash_is_the_same_after_the_way_to_disk_and_back(paper: Paper) -> None:
    assert content_hash(paper_from_dict(json.loads(json.dumps(paper_to_dict(paper))))) == content_hash(paper)


def test_an_old_record_without_newer_fields_can_be_read() -> None:
    assert paper_from_dict({"id": "1", "title": "T", "abstract": "A"}) == Paper("1", "T", "A")


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"abstract": "Other"},
        {"authors": ("A. One",)},
        {"date": "2025-01-01"},
        {"url": "https://example.org"},
        {"kind": "digest"},
        {"extra": {"note": "new"}},
    ],
)
def test_the_hash_changes_with_what_a_reader_can_see(change: dict[str, Any]) -> None:
    assert content_hash(replace(MINFERENCE, **change)) != content_hash(MINFERENCE)


def test_the_hash_does_not_change_with_the_file() -> None:
    assert content_hash(replace(MINFERENCE, source="elsewhere.jsonl")) == content_hash(MINFERENCE)


def answered(
    pieces: str | None = f"{VERBATIM[0]} [1] It was written by 12 dogs in 1850.", question: str = QUESTION
) -> Any:
    # Through text, as a script on the other side of a pipe gets it.
    answer = build_fake_pipeline(PAPERS, pieces).ask(question)
    return json.loads(json.dumps(answer_to_dict(answer)))


@pytest.mark.parametrize("pieces", [None, f"{VERBATIM[0]} [1]"])
@pytest.mark.parametrize("question", [QUESTION, "Hello!", "Who won the football match yesterday?"])
def test_an_answer_has_the_contracts_keys(pieces: str | None, question: str) -> None:
    data = answered(pieces, question)
    contract = "id question standalone_question filters answer mode refusal sentences citations retrieved timings"
    assert {*contract.split(), "model", "index"} <= data.keys()
    assert data["mode"] in ("generated", "quoted", "refused")
    assert {"retrieve_ms", "first_token_ms", "total_ms"} <= data["timings"].keys()
    assert data["index"]["papers"] == 2
    assert {"papers", "version"} <= data["index"].keys()
    for sentence in data["sentences"]:
        assert {"text", "citations", "support"} <= sentence.keys()
        assert {"verdict", "score", "evidence", "paper_id"} <= sentence["support"].keys()
        assert sentence["support"]["verdict"] in ("supported", "weak", "unsupported")
    for citation in data["citations"]:
        assert {"number", "paper_id", "title", "date", "url", "evidence"} <= citation.keys()
    for found in data["retrieved"]:
        expected = "paper_id title score dense_rank lexical_rank rank prompt_position cited"
        assert set(expected.split()) <= found.keys()


def test_citations_lead_to_the_papers_own_words() -> None:
    data = answered()
    assert data["mode"] == "generated"
    assert data["sentences"][0]["citations"]
    by_number = {citation["number"]: citation for citation in data["citations"]}
    for sentence in data["sentences"]:
        for number in sentence["citations"]:
            assert by_number[number]["paper_id"] == sentence["support"]["paper_id"]
    abstracts = {paper.id: paper.abstract for paper in PAPERS}
    for citation in data["citations"]:
        for evidence in citation["evidence"]:
            abstract = abstracts[citation["paper_id"]]
            assert abstract[evidence["start"] : evidence["end"]] == evidence["text"]


def test_only_cited_papers_are_marked_as_cited() -> None:
    data = answered()
    cited = {found["paper_id"] for found in data["retrieved"] if found["cited"]}
    assert cited == {citation["paper_id"] for citation in data["citations"]} == {MINFERENCE.id}
    assert {found["rank"] for found in data["retrieved"] if found["prompt_position"]} == {1, 2}


def test_what_was_withheld_is_kept_apart_with_its_reason() -> None:
    data = answered()
    assert [sentence["text"] for sentence in data["withheld"]] == ["It was written by 12 dogs in 1850."]
    assert data["withheld"][0]["support"]["reason"]
    assert "dogs" not in data["answer"]


def test_a_refusal_names_the_nearest_papers() -> None:
    data = answered(None, "Who won the football match yesterday?")
    assert data["mode"] == "refused"
    assert data["answer"] == data["refusal"]["message"]
    assert data["refusal"]["nearest"][0].keys() == {"paper_id", "title"}
    assert data["sentences"] == data["citations"] == []


def test_a_search_result_has_the_contracts_keys() -> None:
    found = build_fake_pipeline(PAPERS, None).search("inference latency", 2).ranked
    data = [passage_to_dict(passage, "Best.") for passage in found]
    assert [entry["rank"] for entry in data] == [1, 2]
    expected = "rank paper_id title score dense_rank lexical_rank best_sentence"
    assert set(expected.split()) <= data[0].keys()
    assert data[0]["paper_id"] == MINFERENCE.id
    assert data[0]["best_sentence"] == "Best."
