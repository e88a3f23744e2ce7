"""What the page shows, as pure functions: nothing foreign gets through, and every mark is where it belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import pytest

from rag.filters import Filters
from rag.types import (
    Answer,
    Checked,
    Chunk,
    Context,
    Draft,
    Evidence,
    Finished,
    IndexIdentity,
    Mode,
    NumberedPassage,
    Paper,
    Queued,
    Refusal,
    Retrieved,
    ScoredPassage,
    Sentence,
    Support,
    Timings,
    Verdict,
)
from ui import cards, frame, render, texts

ABSTRACT = "It takes 30 minutes on [0, 1). MInference is 10x faster & exact. See [12] for x_[i]."
PAPER = Paper("p1", "MInference <1.0>", ABSTRACT, authors=("A. One", "B. Two"), date="2024-07-02", venue="NeurIPS")
FAST = Evidence(31, 64, ABSTRACT[31:64], 0.9)
HOSTILE = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[x](http://evil.test)",
    "![](http://evil.test/x.png)",
    "$\\href{http://evil.test}{x}$ and $\\unknown",
    "``code` and **bold**",
    "\"'><b>",
    "{{value}} ${value}",
    "</details></div>",
)


class Reader(HTMLParser):
    """Tags, attributes and text of a piece of HTML, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def having(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.tags if name in (attrs.get("class") or "").split()]


def passage(paper: Paper = PAPER, number: int = 1, evidence: tuple[Evidence, ...] = (FAST,)) -> NumberedPassage:
    scored = ScoredPassage(Chunk(paper, 0, len(paper.abstract)), 0.7, number, dense_rank=2, fused_rank=number)
    return NumberedPassage(number, scored, evidence, number)


def sentence(text: str = "It is 10x faster.", citations: tuple[int, ...] = (1,), **support: object) -> Sentence:
    values: dict[str, object] = {
        "verdict": Verdict.SUPPORTED,
        "score": 0.93,
        "evidence": FAST.text,
        "paper_id": "p1",
    }
    return Sentence(text, citations, Support(**(values | support)))  # type: ignore[arg-type]


def answer(
    *sentences: Sentence,
    mode: Mode = "generated",
    context: tuple[NumberedPassage, ...] | None = None,
    **changes: object,
) -> Answer:
    passages = (passage(),) if context is None else context
    value = Answer(
        id="a",
        question="How fast?",
        standalone_question="How fast?",
        mode=mode,
        sentences=sentences,
        context=Context("How fast?", passages),
        retrieved=tuple(p.passage for p in passages),
        refusal=None,
        withheld=(),
        timings=Timings(12, 420, 1900),
        model="SmolLM2",
        index=IndexIdentity("1", "m", 384, 1, 1),
    )
    return replace(value, **changes)  # type: ignore[arg-type]


def chips(html: str) -> list[dict[str, str | None]]:
    return Reader(html).having("pc-cite")


def test_a_chip_for_each_number_that_was_handed_out_and_for_no_other() -> None:
    html = render.answer(answer(sentence(citations=(1, 7))), 0)
    assert [chip["data-n"] for chip in chips(html)] == ["1"]
    assert chips(html)[0]["aria-label"] == "Source 1: MInference <1.0>"


def test_a_chip_knows_its_turn_and_the_evidence_of_its_own_sentence() -> None:
    (chip,) = chips(render.answer(answer(sentence()), 4))
    assert (chip["data-turn"], chip["data-from"], chip["data-to"]) == ("4", "31", "64")


def test_a_chip_to_another_paper_than_the_supporting_one_claims_no_evidence() -> None:
    (chip,) = chips(render.answer(answer(sentence(paper_id="p9")), 0))
    assert "data-from" not in chip


def test_support_outside_the_chosen_evidence_is_found_and_marked() -> None:
    value = answer(sentence(evidence="See [12] for x_[i]."))
    (chip,) = chips(render.answer(value, 0))
    start = ABSTRACT.index("See")
    assert chip["data-from"] == str(start)
    html = render.answer_sources(value, 0)
    assert f'data-from="{start}" data-to="{len(ABSTRACT)}">See [12] for x_[i].</mark>' in html


def test_support_that_is_not_in_the_abstract_is_not_invented() -> None:
    (chip,) = chips(render.answer(answer(sentence(evidence="Never said.")), 0))
    assert "data-from" not in chip


@pytest.mark.parametrize("text", ["On [0, 1) it holds [12].", "x_[i] and [1] in the text", "a[1][2]"])
def test_brackets_in_a_sentence_stay_text(text: str) -> None:
    html = render.answer(answer(sentence(text, ())), 0)
    assert text in Reader(html).text
    assert not chips(html)


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_shown_literally_everywhere(text: str) -> None:
    paper = Paper(
        text,
        text,
        text,
        (text,),
        organization=text,
        date=text,
        venue=text,
        url="javascript:alert(1)",
        doi=None,
    )
    evil = passage(paper, evidence=(Evidence(0, len(text), text, 1.0),))
    bad = sentence(text, (1,), evidence=text, paper_id=text, verdict=Verdict.WEAK, reason=text)
    bad = replace(bad, quoted=True, lead=text)
    other = replace(evil.passage, chunk=Chunk(replace(paper, id="other"), 0, 1))
    value = answer(
        bad,
        context=(evil,),
        question=text,
        standalone_question=text + "?",
        withheld=(bad,),
        retrieved=(evil.passage, other),
        model=text,
    )
    refused = answer(mode="refused", refusal=Refusal("off_topic", text, (paper,)), question=text)
    state = render.Writing(text, standalone_question=text + "?", context=value.context, sentences=(bad,), draft=text)
    pieces = (
        render.answer(value, 0),
        render.answer_sources(value, 0),
        render.answer(refused, 0),
        render.answer_sources(refused, 0),
        render.writing(state, 0),
        render.writing_sources(state, 0),
        render.user_message(text),
        render.error_message(text, 0),
        frame.ingest_error(text),
    )
    allowed = {
        "div",
        "p",
        "span",
        "button",
        "details",
        "summary",
        "ul",
        "ol",
        "li",
        "s",
        "q",
        "h3",
        "article",
        "mark",
        *(
            "svg",
            "path",
            "form",
            "label",
            "input",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "dl",
            "dt",
            "dd",
        ),
    }
    for html in pieces:
        reader = Reader(html)
        assert {tag for tag, _ in reader.tags} <= allowed
        assert not [name for _, attrs in reader.tags for name in attrs if name.startswith("on") or name == "href"]
        assert text in reader.text
        assert not reader.open


@pytest.mark.parametrize(
    ("url", "doi", "arxiv", "expected"),
    [
        ("https://a.test/1?a=1&b=2", None, None, "https://a.test/1?a=1&b=2"),
        ("javascript:alert(1)", "10.1/x", None, "https://doi.org/10.1/x"),
        ("data:text/html,x", None, "2407.02490", "https://arxiv.org/abs/2407.02490"),
        ("http://[broken", None, None, None),
        (None, None, None, None),
    ],
)
def test_only_harmless_links(url: str | None, doi: str | None, arxiv: str | None, expected: str | None) -> None:
    paper = replace(PAPER, url=url, doi=doi, arxiv_id=arxiv)
    reader = Reader(render.answer_sources(answer(context=(passage(paper),)), 0))
    links = [attrs for tag, attrs in reader.tags if tag == "a"]
    assert [link["href"] for link in links] == ([expected] if expected else [])
    assert all(link["rel"] == "noopener noreferrer" for link in links)


@pytest.mark.parametrize(
    ("value", "kind", "mark"),
    [
        (sentence(), "supported", "✓"),
        (sentence(verdict=Verdict.WEAK), "weak", "~"),
        (replace(sentence(), quoted=True), "quoted", "❝"),
    ],
)
def test_each_sentence_carries_its_verdict(value: Sentence, kind: str, mark: str) -> None:
    html = render.answer(answer(value), 0)
    (verdict,) = Reader(html).having(f"pc-v-{kind}")
    assert verdict["role"] == "img"
    assert verdict["aria-label"] == verdict["title"]
    assert texts.VERDICTS[kind][1] in str(verdict["title"])
    assert mark in Reader(html).text
    assert (texts.WEAKLY_SUPPORTED in Reader(html).text) == (kind == "weak")


def test_quoted_mode_says_that_these_are_not_the_models_words() -> None:
    quote = replace(sentence(FAST.text), quoted=True)
    kept = sentence("It is free.", verdict=Verdict.UNSUPPORTED)
    html = render.answer(answer(quote, mode="quoted", withheld=(kept,)), 0)
    note = "The model’s own words could not be supported; these are the abstracts’ own sentences."
    assert note in Reader(html).text
    digest = (passage(replace(PAPER, kind="digest")),)
    html = render.answer(answer(quote, mode="quoted", withheld=(kept,), context=digest), 0)
    assert "these are the digests’ own sentences." in Reader(html).text
    assert f"“{FAST.text}”" in Reader(html).text
    assert "SmolLM2" not in html[html.index("pc-foot") : html.index("pc-tools")]


def test_quotes_without_a_model_do_not_blame_it() -> None:
    html = render.answer(answer(replace(sentence(FAST.text), quoted=True), mode="quoted"), 0)
    assert "The model" not in Reader(html).text
    assert "These are the abstracts’ own sentences." in Reader(html).text


def test_quotes_follow_what_was_written_and_name_their_paper() -> None:
    quote = replace(sentence(FAST.text), quoted=True, lead="MInference <1.0>")
    text = Reader(render.answer(answer(quote, sentence("It is 10x faster.")), 0)).text
    order = ("It is 10x faster.", texts.QUOTES_HEADING, "MInference <1.0>:", f"“{FAST.text}”")
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_what_the_records_say_is_marked_as_theirs_and_not_as_a_quotation() -> None:
    support = Support(Verdict.SUPPORTED, 1.0, "Record: 12 authors", "p1")
    told = (
        Sentence("This collection holds 1 paper.", (), support, recorded=True),
        Sentence("12 authors", (1,), support, lead="MInference", recorded=True),
    )
    html = render.answer(answer(*told, mode="quoted"), 0)
    read = Reader(html)
    assert texts.RECORDED_ONLY in read.text and texts.RECORDED in read.text
    assert len(read.having("pc-v-recorded")) == 2
    assert "“" not in read.text and texts.QUOTES_HEADING not in read.text
    assert [chip["data-n"] for chip in chips(html)] == ["1"]


def test_a_refusal_is_help_and_names_the_nearest_papers() -> None:
    html = render.answer(
        answer(mode="refused", refusal=Refusal("off_topic", "Not covered here.", (PAPER,)), context=()), 0
    )
    reader = Reader(html)
    assert "Not covered here." in reader.text
    assert PAPER.title in reader.text
    assert not reader.having("pc-error")
    assert "not answered" in reader.text


def test_withheld_sentences_are_struck_through_and_explained() -> None:
    kept = sentence("It halves memory.", verdict=Verdict.UNSUPPORTED, reason="memory is not mentioned")
    html = render.answer(answer(sentence(), withheld=(kept,)), 0)
    assert "1 sentence withheld: not supported by the abstracts" in html
    assert "<s>It halves memory.</s> <span>not supported: memory is not mentioned</span>" in html
    weak = sentence("It may help.", verdict=Verdict.WEAK)
    html = render.answer(answer(sentence(), withheld=(kept, weak)), 0)
    assert "2 sentences withheld: not supported, or only weakly, by the abstracts" in html
    assert "<s>It may help.</s> <span>only weakly supported</span>" in html


def test_a_stopped_answer_says_so() -> None:
    assert Reader(render.answer(answer(sentence(), stopped=True), 0)).having("pc-stopped")
    assert not Reader(render.answer(answer(sentence()), 0)).having("pc-stopped")


def test_the_footer_gives_mode_times_and_model() -> None:
    assert "written and checked · first word 0.4 s · 1.9 s in total · SmolLM2" in render.answer(answer(sentence()), 0)


def test_the_standalone_question_appears_only_when_it_differs() -> None:
    assert not Reader(render.answer(answer(sentence()), 0)).having("pc-searched")
    html = render.answer(answer(sentence(), standalone_question="How fast is MInference?"), 0)
    assert Reader(html).having("pc-searched")
    assert "How fast is MInference?" in Reader(html).text


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], "0123456789"),
        ([(2, 4)], "01<2:4>23</>456789"),
        ([(0, 10)], "<0:10>0123456789</>"),
        ([(2, 6), (4, 8)], "01<2:4>23</><4:6>45</><6:8>67</>89"),
        ([(2, 8), (4, 6)], "01<2:4>23</><4:6>45</><6:8>67</>89"),
        ([(2, 4), (2, 4)], "01<2:4>23</>456789"),
        ([(8, 99), (-3, 1), (5, 5)], "<0:1>0</>1234567<8:10>89</>"),
    ],
)
def test_highlights_are_exact(spans: list[tuple[int, int]], expected: str) -> None:
    html = cards.abstract("0123456789", spans)
    plain = re.sub(r'<mark tabindex="-1" data-from="(\d+)" data-to="(\d+)">', r"<\1:\2>", html)
    assert plain.replace("</mark>", "</>") == expected


def test_highlights_count_characters_not_escapes() -> None:
    start = ABSTRACT.index("faster & exact")
    assert ">faster &amp; exact</mark>" in cards.abstract(ABSTRACT, [(start, start + 14)])
    assert Reader(cards.abstract(ABSTRACT, [(3, 40)])).text == ABSTRACT


def test_a_card_tells_who_when_and_how_it_was_found() -> None:
    text = Reader(render.answer_sources(answer(sentence()), 0)).text
    assert "A. One, B. Two · 2024-07-02 · NeurIPS" in text
    assert "meaning 2" in text
    assert "words –" in text
    assert "final 1" in text


@pytest.mark.parametrize(
    ("paper", "byline"),
    [
        (replace(PAPER, authors=(), author_count=12, venue=None), "12 authors · 2024-07-02"),
        (replace(PAPER, authors=(), author_count=12, organization="Lab", date=None), "Lab · NeurIPS"),
        (replace(PAPER, authors=tuple("ABCDE"), date=None, venue=None), "A, B, C, D et al."),
    ],
)
def test_bylines(paper: Paper, byline: str) -> None:
    assert byline in Reader(render.answer_sources(answer(context=(passage(paper),)), 0)).text


def test_a_digest_is_never_called_an_abstract() -> None:
    html = render.answer_sources(answer(context=(passage(replace(PAPER, kind="digest")),)), 0)
    assert texts.DIGEST in html
    assert "<summary>Digest</summary>" in html
    assert "<summary>Abstract</summary>" not in html


def test_cited_sources_are_open_and_named_so() -> None:
    html = render.answer_sources(answer(sentence(), context=(passage(), passage(replace(PAPER, id="p2"), 2))), 0)
    reader = Reader(html)
    assert len(reader.having("pc-is-cited")) == len(reader.having("pc-not-cited")) == 1
    assert html.count("<details open>") == 1


def test_papers_that_were_found_but_not_read_are_listed_and_cut() -> None:
    others = tuple(ScoredPassage(Chunk(replace(PAPER, id=f"o{n}"), 0, 3), 0.1, n) for n in range(2, 40))
    value = answer(sentence(), retrieved=(passage().passage, *others))
    html = render.answer_sources(value, 0)
    assert "38 papers found but not read" in html
    assert html.count("<li value=") == cards.MAX_NOT_USED
    assert "and 18 more" in html


def test_writing_shows_the_draft_apart_and_keeps_unsupported_sentences_back() -> None:
    context = Context("How fast?", (passage(),))
    state = render.Writing("How fast?")
    assert texts.SEARCHING in render.writing(state, 0)
    state = state.after(Retrieved("How fast is it?", (passage().passage,), context))
    assert "Reading 1 paper…" in render.writing(state, 0)
    state = state.after(Queued(3))
    assert "3 ahead of you" in render.writing(state, 0)
    state = state.after(Draft("It is 10x"))
    reader = Reader(render.writing(state, 0))
    (draft,) = reader.having("pc-draft")
    assert draft["aria-label"] == texts.BEING_CHECKED
    assert "It is 10x" in reader.text
    state = state.after(Checked(sentence("It is 10x faster."), shown=True))
    state = state.after(Checked(sentence("It is free.", verdict=Verdict.UNSUPPORTED), shown=False))
    html = render.writing(state, 0)
    reader = Reader(html)
    assert not reader.having("pc-draft")
    assert len(reader.having("pc-s")) == 1
    assert "It is free." not in html
    assert 'aria-busy="true"' in html
    final = answer(sentence("It is 10x faster."))
    assert render.writing(state.after(Finished(final)), 0) == render.answer(final, 0)
    assert render.writing_sources(state.after(Finished(final)), 0) == render.answer_sources(final, 0)


def test_what_stands_above_the_text_is_there_from_its_first_word() -> None:
    context, filters = Context("How fast?", (passage(),)), Filters(since="2024")
    state = render.Writing("Since 2024, how fast?").after(
        Retrieved("How fast?", (passage().passage,), context, filters)
    )
    quote = replace(sentence(PAPER.abstract), quoted=True)
    for now in (state.after(Draft("It")), state.after(Checked(quote, shown=True))):
        above, _, text = render.writing(now, 0).partition(
            '<p class="pc-text">' if now.draft else '<ul class="pc-quotes">'
        )
        assert text
        assert "How fast?" in above
        assert "since 2024" in above
        assert (texts.QUOTED_ONLY.format(sources=texts.ABSTRACTS) in above) == bool(now.sentences)


def test_sources_are_known_as_soon_as_retrieval_is_done() -> None:
    state = render.Writing("How fast?")
    assert render.writing_sources(state, 0) == cards.NO_SOURCES
    context = Context("How fast?", (passage(),))
    state = state.after(Retrieved("How fast?", (passage().passage,), context))
    early = Reader(render.writing_sources(state, 3))
    assert early.having("pc-sources")[0]["data-turn"] == "3"
    assert len(early.having("pc-card")) == 1
    assert not early.having("pc-not-cited")  # It is too early to say.
    later = Reader(render.writing_sources(state.after(Checked(sentence(), shown=True)), 3))
    assert later.having("pc-is-cited")
    assert early.having("pc-sources")[0]["data-version"] != later.having("pc-sources")[0]["data-version"]


def test_the_users_lines_are_kept() -> None:
    assert render.user_message("a\n  b <c>\n") == "a<br>  b &lt;c&gt;"


@dataclass(frozen=True)
class Status:
    stage: str = "Loading the <model>…"
    ready: bool = False
    error: str | None = None
    papers: int = 12345
    chunks: int = 1
    embedding_model: str = "mini<lm>"
    model: str = "smol"
    device: str = "cpu"
    samples: bool = False


def test_the_status_line() -> None:
    assert "Loading the &lt;model&gt;…" in frame.status_line(Status())  # type: ignore[arg-type]
    line = frame.status_line(Status(ready=True, samples=True))  # type: ignore[arg-type]
    assert "12,345 papers · 1 passage · mini&lt;lm&gt; · smol · cpu" in re.sub("<[^>]+>", "", line)
    assert texts.SAMPLES_NOTE in line
    assert "no &lt;model&gt;" in frame.status_line(Status(error="no <model>"))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Rejected:
    source: str
    where: str
    reason: str


@dataclass(frozen=True)
class Report:
    read: int = 60
    new: int = 3
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected: tuple[Rejected, ...] = ()
    rejected_count: int = 60
    papers_in_index: int = 3
    chunks_in_index: int = 3
    seconds: float = 0.1


def test_an_ingest_report_names_files_lines_and_reasons() -> None:
    rejected = tuple(Rejected("/tmp/gradio/abc/notes.txt", f"line {n}", "<no title>") for n in range(60))
    html = frame.ingest_report(Report(rejected=rejected))  # type: ignore[arg-type]
    assert "<b>3</b> new" in html
    assert "<b>60</b> rejected" in html
    assert "<b>notes.txt</b> line 7: &lt;no title&gt;" in html
    assert "/tmp" not in html
    assert "and 10 more" in html


def test_formulas_and_code_are_set_in_answers_and_abstracts() -> None:
    text = r"It runs in $O(\sqrt{n})$ with `fast=True`."
    source = passage(
        Paper("p", "About $n^2$", text, url="https://a.test/"), evidence=(Evidence(0, len(text), text, 1.0),)
    )
    value = answer(sentence(text, (1,)), context=(source,))
    for html in (render.answer(value, 0), render.answer_sources(value, 0)):
        assert "<msqrt><mi>n</mi></msqrt>" in html
        assert "<code>fast=True</code>" in html
    assert "About <math>" in render.answer_sources(value, 0)
    assert render.user_message(text) == text  # what a reader typed is shown as typed
