"""What holds for every XML format: hostile and damaged files end quickly, and nothing outside is ever read."""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.records import Record, Rejected
from ingest.sources import acl_anthology, arxiv_atom, arxiv_oai, pubmed_xml
from ingest.sources.opened import open_stream
from rag.errors import SourceError, UsageError
from rag.types import Paper

DATA = Path(__file__).parent / "data"
FORMATS = {arxiv_atom: "arxiv_atom.xml", arxiv_oai: "arxiv_oai.xml", pubmed_xml: "pubmed.xml", acl_anthology: "acl.xml"}
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><!-- arxiv.org -->'
ENTRY = b"<entry><id>http://arxiv.org/abs/2410.0%04d</id><title>Tides</title><summary>About tides.</summary></entry>"
QUICK = 20.0  # seconds of this process; what is refused late took minutes


def read(module: ModuleType, data: bytes) -> list[Record]:
    return list(module.read(open_stream(io.BytesIO(data), "name", 2025)))


def entry(number: int) -> bytes:
    return ENTRY % number


@pytest.mark.parametrize(("module", "name"), FORMATS.items(), ids=FORMATS.values())
def test_a_file_is_recognised_by_its_own_format_only(module: ModuleType, name: str) -> None:
    for data in (DATA / name).read_bytes(), gzip.compress((DATA / name).read_bytes()):
        head = open_stream(io.BytesIO(data), "name", 2025).head
        assert [other.NAME for other in FORMATS if other.matches(head)] == [module.NAME]


@pytest.mark.parametrize(("module", "name"), FORMATS.items(), ids=FORMATS.values())
def test_gzip_and_other_encodings_make_no_difference(module: ModuleType, name: str) -> None:
    plain = (DATA / name).read_bytes()
    expected = read(module, plain)
    text = plain.decode().partition("?>")[2]
    assert read(module, gzip.compress(plain)) == expected
    assert read(module, codecs.BOM_UTF8 + plain) == expected
    assert read(module, ('<?xml version="1.0" encoding="UTF-16"?>' + text).encode("utf-16")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Title: arxiv.org and http://www.w3.org/2005/Atom",
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry/></feed>',  # of a blog
        "<html><body>PubmedArticleSet <volume id='1'><paper></body></html>",
        '<collection xmlns="http://www.loc.gov/MARC21/slim"><record/></collection>',
        "<!-- <PubmedArticleSet> --><rss/>",
        "<PubmedArticleSets>",
        "<",
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    head = open_stream(io.BytesIO(text.encode() or b"x"), "name", 2025).head
    assert [module.NAME for module in FORMATS if module.matches(head)] == []


def test_the_first_paper_is_there_before_the_file_has_ended() -> None:
    class Endless(io.RawIOBase):
        """A feed that goes on for ever."""

        def __init__(self) -> None:
            self.parts: Iterator[bytes] = itertools.chain([ATOM], map(entry, itertools.count(1)))
            self.given = 0

        def read(self, size: int = -1) -> bytes:
            part = next(self.parts)
            self.given += len(part)
            return part

    raw = Endless()
    records = arxiv_atom.read(open_stream(raw, "name", 2025))  # type: ignore[arg-type]
    first = next(records)
    assert isinstance(first, Paper)
    assert first.arxiv_id == "2410.00001"
    assert raw.given < 1_000_000
    assert len(list(itertools.islice(records, 1000))) == 1000


def test_damage_is_told_with_its_line_after_the_papers_before_it() -> None:
    data = ATOM + b"\n" + entry(1) + b"\n" + entry(2) + b"\n<entry><title>half</summary>\n" + entry(3) + b"</feed>"
    first, second, damage = read(arxiv_atom, data)
    assert isinstance(first, Paper)
    assert isinstance(second, Paper)
    assert isinstance(damage, Rejected)
    assert damage.where == "line 4"
    assert damage.reason.startswith("the XML is damaged from here (Opening and ending tag mismatch: title")


@pytest.mark.parametrize(("module", "name"), FORMATS.items(), ids=FORMATS.values())
def test_a_file_cut_off_keeps_what_came_before(module: ModuleType, name: str) -> None:
    whole = (DATA / name).read_bytes()
    everything = read(module, whole)
    cut = read(module, whole[: whole.rindex(b"abstract" if module is acl_anthology else b"itle")])
    damage = cut[-1]
    assert isinstance(damage, Rejected)
    assert "damaged from here" in damage.reason
    assert damage.where.startswith("line ")
    assert 1 < len(cut) <= len(everything)
    assert cut[:-1] == everything[: len(cut) - 1]


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
SUBSETS = {
    "billion laughs": b'<!ENTITY l0 "ha">' + LAUGHS,
    "quadratic blow-up": b'<!ENTITY l9 "' + b"x" * 50_000 + b'">',
    "a file from outside": b'<!ENTITY l9 SYSTEM "file:///etc/passwd">',
    "a page from outside": b'<!ENTITY % l9 SYSTEM "http://127.0.0.1:9/x.dtd"> %l9;',
    "default attributes": b'<!ATTLIST i a CDATA "' + b"x" * 50_000 + b'">',
}


@pytest.mark.parametrize("subset", SUBSETS.values(), ids=SUBSETS)
@pytest.mark.parametrize("module", FORMATS, ids=lambda module: module.NAME)
def test_a_file_that_declares_entities_is_refused(module: ModuleType, subset: bytes) -> None:
    body = b"<entry><title>&l9;</title><summary>" + b"&l9;<i/>" * 20_000 + b"</summary></entry></feed>"
    for doctype in (b"<!DOCTYPE feed [", b'<?a b?><!-- [ --><!DOCTYPE feed SYSTEM "a>[b"\n ['):
        started = time.process_time()
        with pytest.raises(SourceError, match=r"^name declares entities of its own .*\. Fetch it again"):
            read(module, doctype + subset + b"]>" + ATOM + body)
        assert time.process_time() - started < QUICK


def test_an_entity_that_the_file_does_not_declare_is_read_as_html_or_left() -> None:
    doctype = b'<!DOCTYPE feed PUBLIC "-//X//DTD X//EN" "https://example.org/x.dtd">'
    data = doctype + ATOM + entry(1).replace(b"About", b"About &alpha; and &nowhere;") + b"</feed>"
    (paper,) = read(arxiv_atom, data)
    assert isinstance(paper, Paper)
    assert paper.abstract == "About α and &nowhere; tides."


# Just beyond the limits of 8 MB a record and 10 MB a node.
MANY = 1_100_000
HOSTILE = {
    "deep nesting": ATOM + b"<entry>" + b"<a>" * 100_000,
    "huge attribute": ATOM + b'<entry a="' + b"x" * 10 * MANY + b'"/>',
    "huge text": ATOM + b"<entry><summary>" + b"x " * 10 * MANY,
    "many attributes": ATOM + b"<entry " + b" ".join(b"a%d='1'" % i for i in range(100_000)) + b"/></feed>",
    "many namespaces": ATOM + b"<entry " + b" ".join(b"xmlns:a%d='1'" % i for i in range(50_000)) + b"/></feed>",
    "no entry at all": ATOM + b"<a>b</a>" * MANY,
    "endless comment": ATOM + b"<!--" + b"x" * 10 * MANY,
    "endless prolog": b"<!--" + b"-" * 100_000,
    "many comments": b"<!---->" * 20_000 + ATOM,
    "many instructions": b"<?a" * 200_000 + ATOM,
    "endless doctype": b"<!DOCTYPE feed " + b"'" * 200_001,
    "only brackets": ATOM + b"<" * 20 * MANY,
    "not XML": b"TI  - a reference\n" * 1000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.slow
def test_a_hostile_file_is_refused_or_rejected_quickly(data: bytes) -> None:
    started = time.process_time()
    try:
        records = read(arxiv_atom, data)
    except SourceError as error:
        assert str(error).count(". ") >= 1
    else:
        assert len(records) == 1
        assert isinstance(records[0], Rejected)
        assert len(records[0].reason) < 250
    assert time.process_time() - started < QUICK


@pytest.mark.slow
def test_what_comes_after_an_endless_record_is_told_as_unread() -> None:
    data = ATOM + entry(1) + b"<entry>" + b"<a/>" * 2 * MANY + b"</entry>" + entry(2) + b"</feed>"
    paper, rejected = read(arxiv_atom, data)
    assert isinstance(paper, Paper)
    assert rejected == Rejected("name", "record 2", "over 8 MB long: not a paper, and nothing after it was read")


@pytest.mark.slow
def test_many_records_within_records_do_no_harm() -> None:
    started = time.process_time()
    records = read(arxiv_atom, ATOM + (b"<entry>" * 100 + b"</entry>" * 100) * 100 + b"</feed>")
    assert len(records) == 10_000
    assert time.process_time() - started < QUICK


EDITS = st.lists(
    st.tuples(
        st.integers(0, 20_000),
        st.integers(0, 40),
        st.sampled_from(
            [b"", b"<", b">", b"&", b"]]>", b"<!--", b"\x00", b"\xff", b"&#55296;", b"&#0;", b'"', b"</entry>"]
        )
        | st.binary(max_size=8),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize(("module", "name"), FORMATS.items(), ids=FORMATS.values())
@pytest.mark.slow
def test_no_bytes_whatever_raise_anything_but_our_errors(module: ModuleType, name: str) -> None:
    whole = (DATA / name).read_bytes()

    @given(EDITS)
    @example([(0, 100, b"")])
    def check(edits: list[tuple[int, int, bytes]]) -> None:
        data = whole
        for place, length, new in edits:
            at = place % (len(data) + 1)
            data = data[:at] + new + data[at + length :]
        try:
            records = read(module, data)
        except (SourceError, UsageError) as error:
            assert "\n" not in str(error)
        else:
            assert all(isinstance(record, Paper | Rejected) for record in records)

    check()
