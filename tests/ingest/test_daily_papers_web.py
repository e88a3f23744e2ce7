"""Daily Papers as the site gives them: the JSON in a saved page, the page's text, and the API's answer."""

from __future__ import annotations

import codecs
import gzip
import html
import io
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Record, Rejected
from ingest.sources import daily_papers_web
from ingest.sources.opened import open_stream
from rag.errors import SourceError, UsageError
from rag.types import Paper

DATA = Path(__file__).parent / "data"
ENTRY = {"paper": {"id": "2410.00001", "title": "Tides", "summary": "About tides.", "authors": [{"name": "A. One"}]}}
TEXT_PAGE = """<!DOCTYPE html><html><head><title>Daily Papers</title><style>p {color: red}</style></head><body>
<h1>Daily Papers</h1><p>by<b>AK</b> and the research community<p>Nov 5
<article><h3>Sailing <em>by</em>
   the stars</h3><p>We sail &amp; we look
   up.</p><div>•&nbsp;<span>2 authors</span></div><div>·</div><div>Nov 4<span> 3</span></div></article>
<script>var x = "<p>not this</p>";</script>
<article><h3>Ohne Worte</h3><div>4 authors</div><div>·</div><div>Nov 4</div></article>
<article><h3>深海</h3><p>深い海の話。</p><div>Deep Lab deep-lab</div><div>·</div><div>Nov 3</div></article>
</body></html>"""
QUICK = 6.0


def read(data: bytes) -> list[Record]:
    return list(daily_papers_web.read(open_stream(io.BytesIO(data), "name", 2025)))


def page(*props: str) -> bytes:
    held = "".join(f"<div data-target='DailyPapers' data-props=\"{html.escape(value)}\"></div>" for value in props)
    return f"<!doctype html><html><title>Daily Papers</title><body>{held}</body></html>".encode()


@pytest.mark.parametrize(
    "data",
    [
        (DATA / "daily.html").read_bytes(),
        (DATA / "daily_api.json").read_bytes(),
        gzip.compress((DATA / "daily.html").read_bytes()),
        TEXT_PAGE.encode(),
        json.dumps({"dailyPapers": [ENTRY]}).encode(),
        json.dumps(ENTRY).encode() + b"\n",
    ],
)
def test_pages_and_answers_are_recognised(data: bytes) -> None:
    assert daily_papers_web.matches(open_stream(io.BytesIO(data), "name", 2025).head)


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>Our papers</body></html>",
        '<?xml version="1.0"?><feed><!-- huggingface.co/papers --></feed>',
        '{"_id": "1", "title": "Daily papers", "text": "A text."}',
        '[{"title": "T", "abstract": "A."}]',
        "Daily Papers\n\nA title",
    ],
)
def test_other_files_are_not(text: str) -> None:
    assert not daily_papers_web.matches(open_stream(io.BytesIO(text.encode()), "name", 2025).head)


def test_a_saved_page_gives_the_papers_it_carries() -> None:
    first, second, third = read((DATA / "daily.html").read_bytes())
    assert first == Paper(
        id="2410.05983",
        title="Tidal Memory: Recalling Long Documents",
        abstract="We study how a reader recalls long documents. Recall grows by 12%.",
        authors=("Zoë Ångström", "王小明"),  # not the one whom the site hides
        organization="Tide Lab",
        date="2024-10-08",
        url="https://arxiv.org/abs/2410.05983",
        arxiv_id="2410.05983",
        categories=("long context", "recall"),
        comments=4,
        source="name",
        extra={"upvotes": "51", "code": "https://github.com/example/tides"},
    )
    assert second == Rejected("name", "entry 2", "no abstract")
    assert isinstance(third, Paper)
    assert (third.title, third.authors) == ('Quotes "and" <tags>', ("Bo O'Neil",))
    assert third.abstract == "An abstract with & an apostrophe's mark."


def test_the_answer_of_the_api() -> None:
    first, second, third, last = read((DATA / "daily_api.json").read_bytes())
    assert first == read((DATA / "daily.html").read_bytes())[0]
    assert second == Rejected("name", "entry 2", "no abstract")
    assert third == Rejected("name", "entry 3", "not a JSON object")
    assert isinstance(last, Paper)
    assert (last.arxiv_id, last.url) == (None, "https://huggingface.co/papers/house-report-7")
    assert (last.organization, last.comments, last.authors) == ("Our House", None, ())


def test_encodings_and_packing_make_no_difference() -> None:
    data = (DATA / "daily_api.json").read_bytes()
    expected = read(data)
    for other in (gzip.compress(data), codecs.BOM_UTF8 + data, data.decode().encode("utf-16")):
        assert read(other) == expected


def test_an_answer_one_entry_a_line_and_one_in_an_object() -> None:
    line = json.dumps(ENTRY)
    for data in (line + "\n" + line + "\n", json.dumps({"date": ["x"], "dailyPapers": [ENTRY, ENTRY], "more": [{}]})):
        records = read(data.encode())
        assert [record.arxiv_id for record in records if isinstance(record, Paper)] == ["2410.00001"] * 2
        assert len(records) == 2


def test_a_page_of_one_paper() -> None:
    (paper,) = read(page(json.dumps({"paper": ENTRY["paper"], "comments": [{"paper": {}}]})))
    assert isinstance(paper, Paper)
    assert paper.arxiv_id == "2410.00001"


def test_an_empty_day() -> None:
    assert read(b"[]") == []
    assert read(page('{"dailyPapers": []}')) == []


def test_a_page_without_data_is_read_as_its_text() -> None:
    sailing, wordless, deep = read(TEXT_PAGE.encode())
    assert isinstance(sailing, Paper)
    assert (sailing.title, sailing.abstract) == ("Sailing by the stars", "We sail & we look up.")
    assert (sailing.author_count, sailing.date, sailing.comments) == (2, "2025-11-04", 3)
    assert wordless == Rejected("name", "line 9", "a title, an abstract or the authors' line is missing")
    assert isinstance(deep, Paper)
    assert (deep.title, deep.abstract, deep.organization) == ("深海", "深い海の話。", "Deep Lab")


def test_damage_in_one_entry_costs_that_entry() -> None:
    good = json.dumps(ENTRY)
    first, damage, last = read(f'[{good},{{"paper":}},{good}]'.encode())
    assert isinstance(first, Paper)
    assert isinstance(last, Paper)
    assert isinstance(damage, Rejected)
    assert damage.where == "entry 2"
    assert damage.reason.startswith("not valid JSON (")


def test_a_file_cut_off_is_told_after_the_papers_before_it() -> None:
    good = json.dumps(ENTRY)
    for data in (f"[{good},{good},{{".encode(), f"[{good},{good},".encode(), page(f'{{"dailyPapers": [{good},{good},')):
        *papers, damage = read(data)
        assert len(papers) == 2
        reason = "the file ends before its JSON does; it may have been cut off"
        assert damage == Rejected("name", "entry 3", reason)


@pytest.mark.parametrize(
    "entry",
    [
        {"paper": None, "summary": "About.", "title": "T"},
        {"paper": {"summary": "About.", "title": ["T"], "id": 7, "authors": "A. One", "upvotes": True}, "title": "T"},
        {"paper": {"summary": "About.", "authors": [None, {"name": 3}, {}]}, "title": "T", "numComments": -1},
        {"paper": {"summary": "About.", "ai_keywords": {"a": 1}}, "title": "T", "organization": {"name": []}},
    ],
)
def test_fields_of_other_kinds_are_left_out(entry: object) -> None:
    (paper,) = read(json.dumps([entry]).encode())
    assert isinstance(paper, Paper)
    assert (paper.title, paper.abstract, paper.authors, paper.comments) == ("T", "About.", (), None)


def test_the_first_paper_is_there_before_the_answer_has_ended() -> None:
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            line = json.dumps(ENTRY).encode() + b","
            self.parts: Iterator[bytes] = itertools.chain([b"["], itertools.repeat(line))
            self.given = 0

        def read(self, size: int = -1) -> bytes:
            part = next(self.parts)
            self.given += len(part)
            return part

    raw = Endless()
    records = daily_papers_web.read(open_stream(raw, "name", 2025))  # type: ignore[arg-type]
    assert isinstance(next(records), Paper)
    assert raw.given < 2_000_000


@pytest.mark.slow
def test_a_page_over_fifty_megabytes_is_refused() -> None:
    with pytest.raises(SourceError, match=r"^name is an HTML page over 50 MB, .*\. Save the page alone"):
        read(page('{"dailyPapers": []}') + b" " * 50_000_000)


SIZE = 2_000_000
HOSTILE = {
    "deep JSON": b'[{"paper":' * (SIZE // 10),
    "deep arrays": b'[{"paper":{"summary":' + b"[" * SIZE,
    "one long text": b'[{"paper":{"summary":"' + b"x" * 3 * SIZE,
    "many empty entries": b"[" + b"[]," * (SIZE // 60),
    "a number of a million digits": b"[" + b"1" * SIZE,
    "deep elements": page('{"dailyPapers": []}') + b"<div>" * SIZE,
    "end tags that end nothing": b"<!doctype html><!-- daily papers -->" + b"<div>" * 5000 + b"</b>" * SIZE,
    "endless comment": page('{"dailyPapers": [') + b"<!--" * 3 * SIZE,
    "many attributes": page("{}") + b"<a " + b" ".join(b"a%d" % i for i in range(SIZE // 20)) + b">",
    "many dots": b"<!doctype html><!-- daily papers -->" + "·<br>".encode() * (SIZE // 100),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.slow
def test_a_hostile_file_ends_quickly(data: bytes) -> None:
    started = time.monotonic()
    try:
        assert not any(isinstance(record, Paper) for record in read(data))
    except SourceError as error:
        assert str(error).count(". ") >= 1
    assert time.monotonic() - started < QUICK


@pytest.mark.parametrize("name", ["daily.html", "daily_api.json"])
@pytest.mark.slow
def test_no_bytes_whatever_raise_anything_but_our_errors(name: str) -> None:
    whole = (DATA / name).read_bytes()
    pieces = st.sampled_from([b"", b"<", b"[", b"{", b"}", b'"', b"\\ud800", b"\x00", b"\xff", b"1e999", b"</div>"])

    @given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 30), pieces | st.binary(max_size=6)), max_size=4))
    def check(edits: list[tuple[int, int, bytes]]) -> None:
        data = whole
        for place, length, new in edits:
            at = place % (len(data) + 1)
            data = data[:at] + new + data[at + length :]
        try:
            records = read(data)
        except (SourceError, UsageError) as error:
            assert "\n" not in str(error)
        else:
            assert all(isinstance(record, Paper | Rejected) for record in records)

    check()
