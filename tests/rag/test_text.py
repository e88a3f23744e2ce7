"""Scraped abstracts become readable, searchable, and fall into sentences where a reader would cut them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text import names, numbers, readable, searchable, sentence_spans, sentences, stem, terms, words

# Text as abstracts have it, with every character that matters to a rule here.
SCRAPED = st.text(st.sampled_from(list("aA bB. !?\n\t\"'()[]{}\\%$^_-0123timesé×²”’日本")), max_size=80)
PROSE = st.lists(
    st.sampled_from(
        "We Our It the model attention e.g. i.e. vs. et al. Fig. Dr. J. 3.5 10x 25% [1] (see [2]) U.S. end. End! "
        "why? alignment.Our “quoted.” 1. LLMs … GPT-4 S²FT".split(" ")
    ),
    max_size=25,
).map(" ".join)


@pytest.mark.parametrize(
    ("scraped", "shown"),
    [
        (r"gains of 25\%", "gains of 25%"),
        ("S^{2}FT", "S²FT"),
        ("CO_{2}", "CO₂"),
        ("3times faster", "3× faster"),
        (r"3\times faster", "3× faster"),
        ("1.5-2.7times", "1.5-2.7×"),
        (r"a $5 \times 5$ grid", "a 5 × 5 grid"),
        (r"R\&D at 10\$", "R&D at 10$"),
        (r"\textbf{Bold} and \emph{stressed}", "Bold and stressed"),
        (r"with $\alpha$ of 1", "with α of 1"),
        (r"$\sim$2 hours", "~2 hours"),
        ("eﬃcient ﬁne-tuning", "efficient fine-tuning"),
        ("soft\u00adhyphen and zero\u200bwidth", "softhyphen and zerowidth"),
        ("two\n  lines\t here ", "two lines here"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_latex_debris_is_made_readable(scraped: str, shown: str) -> None:
    assert readable(scraped) == shown


@pytest.mark.parametrize(
    "text",
    [
        "日本語の論文、中国語的摘要。한국어 초록.",
        "Müller, Øyvind and Çağlar naïvely résumé",
        "Ünïcödé: α-helix, β-sheet, 5 µm, −3 °C",
        "It costs $5 now and $10 later.",
        "three times, sometimes, The Times",
        "x_{i+j} and \\frac{a}{b}",
        "arrays on [0, 1) and x[1]",
    ],
)
def test_what_is_no_debris_stays_as_it_is(text: str) -> None:
    assert readable(text) == text


@given(SCRAPED)
def test_text_that_was_made_readable_holds_no_loose_white_space(text: str) -> None:
    shown = readable(text)
    assert shown == shown.strip()
    assert "  " not in shown
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("S^{2}FT", "S2FT"),
        ("S²FT", "S2FT"),
        ("3times", "3x"),
        ("3×", "3x"),
        ("CO₂", "CO2"),
        ("naïve Müller", "naive Muller"),
        ("ﬁne", "fine"),
    ],
)
def test_a_reader_finds_it_as_typed_on_a_keyboard(written: str, typed: str) -> None:
    assert searchable(written) == typed
    assert terms(written) == terms(typed)


@given(SCRAPED | PROSE | st.text())
def test_sentences_cover_the_text_in_order_without_overlap(text: str) -> None:
    end = 0
    for start, stop in sentence_spans(text):
        assert end <= start < stop <= len(text)
        assert not text[end:start].strip()
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize(
    "one",
    [
        "We compare e.g. BERT and others.",
        "See Fig. 3 for details.",
        "Smith et al. Report a gain.",
        "SFT vs. RL is studied.",
        "It gains 3.5 points over 2.1 before.",
        "The work of J. Smith is extended.",
        "Data are i.i.d. In both settings.",
        "Dr. Miller agreed.",
        "Data are from the U.K. Biobank cohort.",
        "It was first seen in Dec. 2019 in Wuhan.",
        "J.K. Rowling wrote it.",
        "Results are in Tab. 2 and Thm. 3.",
        "Version 1.0 of the library.",
        "no full stop at all",
    ],
)
def test_an_abbreviation_or_a_decimal_point_ends_no_sentence(one: str) -> None:
    assert sentences(one) == [one]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It helps alignment.Our method wins.", ["It helps alignment.", "Our method wins."]),
        ("It takes 10 ms. We go on.", ["It takes 10 ms.", "We go on."]),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It is “good.” We agree.", ["It is “good.”", "We agree."]),
        ("It ran (twice.) Then it stopped.", ["It ran (twice.)", "Then it stopped."]),
        ("Gains reach 25%. 10 models improve.", ["Gains reach 25%.", "10 models improve."]),
        ("First.\nSecond.", ["First.", "Second."]),
        ("It is class A. We go on.", ["It is class A.", "We go on."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("accelerates", "accelerating"),
        ("models", "model"),
        ("studies", "study"),
        ("optimized", "optimizing"),
        ("generalization", "generalizations"),
        ("reduced", "reduces"),
        ("training", "trained"),
        ("faster", "fast"),
    ],
)
def test_forms_of_one_word_match(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("increase", "decrease"), ("encoder", "decoder"), ("GPT-3", "GPT-4"), ("10x", "10"), ("lora", "llama")],
)
def test_different_words_do_not_match(one: str, other: str) -> None:
    assert terms(one) != terms(other)


def test_function_words_are_no_terms() -> None:
    assert terms("What is it that we do with this paper?") == []
    assert terms("long-context models") == [stem("long"), stem("context"), stem("models")]


def test_names_are_words_with_inner_capitals_or_digits() -> None:
    assert names("We show that MInference and S²FT beat GPT-4 and LoRA.") == ["MInference", "S²FT", "GPT-4", "LoRA"]
    assert names("The model learns. Results improve.") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25 percent", ["25%"]),
        (r"25\%", ["25%"]),
        ("10x, 10×, 10 times", ["10x", "10x", "10x"]),
        ("1,000 papers", ["1000"]),
        ("7B parameters", ["7b"]),
        ("7 billion parameters", ["7b"]),
        ("0.50", ["0.5"]),
        ("three and twice", ["3", "2x"]),
        ("S2FT", []),
        ("3 timescales", ["3"]),
        ("12 pointers", ["12"]),
        ("10^{-3} and 10^{-6}", ["10^-3", "10^-6"]),
    ],
)
def test_numbers_have_one_form_however_they_are_written(text: str, expected: list[str]) -> None:
    if "^" in text:
        # Whatever the form, two exponents are two numbers.
        first, second = text.split(" and ")
        assert numbers(first) != numbers(second)
    else:
        assert numbers(text) == expected


@given(SCRAPED | st.text())
def test_words_are_found_in_the_text_as_written(text: str) -> None:
    place = 0
    for word in words(text):
        place = text.index(word, place) + len(word)
