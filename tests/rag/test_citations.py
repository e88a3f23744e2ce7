"""Citations are read strictly, and the same however the text arrives."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import SentenceStream, extract

HANDED_OUT = {1, 2, 3}
TEXTS = [
    "MInference is fast [1]. It keeps accuracy [2].",
    "MInference is fast. [1] It keeps accuracy. [2, 3] Nothing else is said.",
    "MInference is fast.[1] It keeps accuracy.[2]",
    "Scores lie in [0, 1) as in [12]. The first entry is x[1]. It gains 3.5 points vs. GPT-4 [1][2].",
    "- It helps alignment.Our method wins [1].\n- E.g. BERT loses. [2]\n\nWhy? See Fig. 3! It is “good.” [3] End",
    "Answer: It takes 30 minutes [1]\nIt is 10x faster [2; 3]",
    "1. MInference is fast [1].\n2. It keeps accuracy [2].",
]
FRAGMENTS = st.lists(
    st.sampled_from(
        "We|MInference|is|fast|3.5|e.g.|vs.|end.|End!|why?|[1]|[2]|[1, 2]|[12]|[0, 1)|x[1]|\n|- |1.|“good.”|done.[1]"
        "|glued.Our|A.|[1].|(see".split("|")
    ),
    max_size=20,
)


def streamed(pieces: list[str]) -> list[str]:
    stream = SentenceStream()
    return [sentence for piece in pieces for sentence in stream.feed(piece)] + list(stream.finish())


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("text", TEXTS)
@given(places=st.lists(st.integers(0, 1000), max_size=12))
def test_a_text_gives_the_same_sentences_however_it_is_cut(text: str, places: list[int]) -> None:
    assert streamed(cut(text, places)) == streamed([text])


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_gives_the_same_sentences_letter_by_letter(text: str) -> None:
    assert streamed(list(text)) == streamed([text])


@given(fragments=FRAGMENTS, places=st.lists(st.integers(0, 1000), max_size=12))
def test_any_text_gives_the_same_sentences_however_it_is_cut(fragments: list[str], places: list[int]) -> None:
    text = " ".join(fragments)
    assert streamed(cut(text, places)) == streamed([text])


@given(fragments=FRAGMENTS)
def test_no_word_is_lost_on_the_way(fragments: list[str]) -> None:
    letters = re.sub(r"[^A-Za-z]", "", " ".join(fragments))
    assert re.sub(r"[^A-Za-z]", "", "".join(streamed([" ".join(fragments)]))) == letters


@pytest.mark.parametrize(
    ("written", "clean", "cited"),
    [
        ("It is fast [1].", "It is fast.", (1,)),
        ("It is fast. [1]", "It is fast.", (1,)),
        ("It is fast.[1]", "It is fast.", (1,)),
        ("It is fast [1, 2].", "It is fast.", (1, 2)),
        ("It is fast [2;1].", "It is fast.", (2, 1)),
        ("It is fast [1][2] [1].", "It is fast.", (1, 2)),
        ("It is fast [1], and exact [2].", "It is fast, and exact.", (1, 2)),
        ("It is fast. [1].", "It is fast.", (1,)),
        ("It is fast.", "It is fast.", ()),
        ("[3] says it is fast.", "says it is fast.", (3,)),
    ],
)
def test_citations_are_taken_out_of_a_sentence(written: str, clean: str, cited: tuple[int, ...]) -> None:
    assert extract(written, HANDED_OUT) == (clean, cited)


@pytest.mark.parametrize(
    "text",
    [
        "Scores lie in [0, 1) throughout.",
        "Scores lie in [1, 2) throughout.",
        "As shown in [12], it is fast.",
        "As shown in [1, 12], it is fast.",
        "The first entry is x[1] here.",
        "The entry x_[1] and f()[1] here.",
        "The entry a[1][2] here.",
        "The word [sic] and [a] and [] here.",
        "The year [2024] here.",
        "A range [1-3] here.",
        "A link [1](http://example.org) here.",
    ],
)
def test_brackets_that_are_no_citation_stay(text: str) -> None:
    assert extract(text, HANDED_OUT) == (text, ())


def test_nothing_is_cited_where_nothing_was_handed_out() -> None:
    assert extract("It is fast [1].", ()) == ("It is fast [1].", ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is fast. [1] It is exact. [2]", ["It is fast. [1]", "It is exact. [2]"]),
        ("It is fast.[1] It is exact.[2]", ["It is fast.[1]", "It is exact.[2]"]),
        ("It is fast. [1][2] It is exact.", ["It is fast. [1][2]", "It is exact."]),
        ("It is fast. [1, 2] It is exact.", ["It is fast. [1, 2]", "It is exact."]),
        ("It is fast [1]. It is exact [2].", ["It is fast [1].", "It is exact [2]."]),
        ("Is it? [1] It is! [2] Good.", ["Is it? [1]", "It is! [2]", "Good."]),
    ],
)
def test_markers_after_the_full_stop_belong_to_the_sentence_before(text: str, expected: list[str]) -> None:
    assert streamed([text]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- One is fast.\n- Two is exact.", ["One is fast.", "Two is exact."]),
        ("* One is fast.\n* Two is exact.", ["One is fast.", "Two is exact."]),
        ("1. One is fast.\n2. Two is exact.", ["One is fast.", "Two is exact."]),
        ("1) One is fast.\n2) Two is exact.", ["One is fast.", "Two is exact."]),
        ("Answer: One is fast.", ["One is fast."]),
        ("The final answer is: One is fast.", ["One is fast."]),
        ("\n\nOne is fast.\n\n", ["One is fast."]),
    ],
)
def test_list_marks_and_announcements_are_no_part_of_a_sentence(text: str, expected: list[str]) -> None:
    assert streamed([text]) == expected


def test_a_sentence_is_out_as_soon_as_the_next_one_begins() -> None:
    stream = SentenceStream()
    assert list(stream.feed("It is fast. ")) == []
    assert list(stream.feed("[1")) == []
    assert list(stream.feed("] ")) == []
    assert stream.draft.startswith("It is fast.")
    assert list(stream.feed("It is ex")) == ["It is fast. [1]"]
    assert stream.draft == "It is ex"
    assert list(stream.finish()) == ["It is ex"]
    assert list(stream.finish()) == []
