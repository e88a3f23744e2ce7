"""Formulas and code in text: what is understood is set, what is not stays as written, and nothing else comes in."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.formulas import LONGEST, formula, rendered
from ui.symbols import SYMBOLS


def shape(html: str) -> str:
    """MathML in short: tags without their `m`, and what stands in them."""
    html = re.sub(r"</?math[^>]*>", "", html)
    html = re.sub(r"<(mi|mo|mn|mtext)[^>]*>([^<]*)</\1>", r"\2 ", html)
    html = re.sub(r"<m(\w+)[^>]*>", r" \1(", re.sub(r"</m\w+>", ")", html))
    return re.sub(r"(?<=\() | (?=\))", "", " ".join(html.split()))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"x^2", "sup(x 2)"),
        (r"x_i^{2n}", "subsup(x i row(2 n))"),
        (r"\frac{1}{\sqrt{n}}", "frac(1 sqrt(n))"),
        (r"\frac12", "frac(1 2)"),
        (r"\sum_{i=1}^n p_i", "row(underover(∑ row(i = 1)n) sub(p i))"),
        (r"\hat{y} \leq \mathbb{R}^d", "row(over(y ^)≤ sup(ℝ d))"),
        (r"\left( a \right]", "row((a ])"),
        (r"O(n \log n)", "row(O (n log n))"),
        (r"\text{if } a<b", "row(if a &lt; b)"),
        (r"f'(x)", "row(sup(f row(′))(x))"),
        (r"\binom{n}{k}", "row((frac(n k)))"),
        (r"\sqrt[3]{x}", "root(x 3)"),
    ],
)
def test_a_formula_is_set(source: str, expected: str) -> None:
    html = formula(source)
    assert html is not None
    ElementTree.fromstring(html.replace("&lt;", "&#60;"))
    assert shape(html) == expected


def test_all_four_ways_to_write_one() -> None:
    for text, block in ((r"so $a^2$.", False), (r"so $$a^2$$.", True), (r"so \(a^2\).", False), (r"so \[a^2\].", True)):
        html = rendered(text)
        assert html.startswith("so <math") and html.endswith("</math>."), html
        assert ('display="block"' in html) is block


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and the other $10 each.",
        "max_new_tokens and GPT_2 and snake_case_name",
        r"\href{javascript:hacked()}{x} and $\href{javascript:hacked()}{x}$",
        r"$\def\x{\x\x}\x$ and $\newcommand{\x}{y}$ and \begin{aligned} x \end{aligned}",
        r"$\includegraphics{http://evil.test/a.png}$ $\class{x}{y}$ $\style{color:red}{x}$ $\unicode{x41}$",
        r"$\left( x$ and $x^y^z$ and $}{$ and $\frac{1}$ and $\sqrt$ and $a & b$",
        "a `quoted' word and ``more'' of `them'",
        "two $ signs $ that hold prose between them, at length",
        "$" * 300,
    ],
)
def test_what_is_no_formula_stays_as_it_was_written(text: str) -> None:
    assert "<" not in rendered(text), rendered(text)


def test_pieces_that_ingest_left_without_dollars_are_found() -> None:
    html = rendered(r"It runs in O(n^{1/3} \sqrt{\log n}) for s_i in \mathbb{R}^d, {\em much} faster.")
    assert [shape(found) for found in re.findall(r"<math>.*?</math>", html)] == [
        "sup(n row(1 / 3))", "sqrt(row(log n))", "sub(s i)", "sup(ℝ d)",
    ]  # fmt: skip
    assert "<em>much</em>" in html


def test_words_in_a_formula_are_words() -> None:
    html = rendered(r"$\text{<img src=x onerror=hacked()>}$")
    assert html == '<math><mtext mathvariant="normal">&lt;img src=x onerror=hacked()&gt;</mtext></math>'


def test_code_between_backticks() -> None:
    assert rendered("run `a < b` now") == "run <code>a &lt; b</code> now"
    assert rendered("run ``a`` or ```b```") == "run ``a`` or ```b```"


@pytest.mark.parametrize(
    "piece", [r"\frac{", "x^{", "$", r"\(", "$$", "{", "`", r"\hat", r"\left(", "a^b", r"\sqrt{", "x_", r"$x$", "\\"]
)
def test_any_length_is_read_in_no_time(piece: str) -> None:
    begun = time.process_time()
    rendered(piece * 5000)
    assert time.process_time() - begun < 1.0
    deep = "$" + piece * (LONGEST // len(piece)) + "$"
    rendered(deep)


PIECES = (*r"\{}$^_()[]<>&'\"`ab1 ", r"\frac", r"\left", r"\text", *(f"\\{name}" for name in sorted(SYMBOLS)[::9]))


@given(st.lists(st.sampled_from(PIECES)))
def test_whatever_is_written_only_our_own_tags_come_out(pieces: list[str]) -> None:
    html = rendered("".join(pieces))
    assert set(re.findall(r"<(/?\w+)", html)) <= {
        f"{end}{tag}"
        for end in ("", "/")
        for tag in "math mrow mi mo mn mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot code em".split()
    }
    assert "<" not in re.sub(r"</?[a-z]+(?: [a-z]+=\"[\w. ]+\")*>", "", html)
