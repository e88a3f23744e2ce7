"""The ACL Anthology's XML: markup in titles, ids old and new, volumes, retractions."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ingest.records import Record, Rejected
from ingest.sources import acl_anthology
from ingest.sources.opened import open_stream
from rag.types import Paper

DATA = Path(__file__).parent / "data" / "acl.xml"
PAPER = "<title>T</title><abstract>A.</abstract>"


def read(data: bytes) -> list[Record]:
    return list(acl_anthology.read(open_stream(io.BytesIO(data), "acl.xml", 2025)))


def read_one(data: str) -> Paper:
    (record,) = read(data.encode())
    assert isinstance(record, Paper), record
    return record


def test_every_paper_is_one_or_told_with_its_anthology_id() -> None:
    records = read(DATA.read_bytes())
    assert len(records) == 4
    assert [record for record in records if isinstance(record, Rejected)] == [
        Rejected("acl.xml", "paper 2099.tide-long.2", "no abstract"),
        Rejected("acl.xml", "paper 2099.tide-long.3", "retracted: Copied from the Pacific."),
    ]


def test_all_that_a_paper_and_its_volume_say() -> None:
    assert read(DATA.read_bytes())[0] == Paper(
        id="10.18653/v1/2099.tide-long.1",
        title="BERT at sea: nautical parsing in O(n^2)",
        abstract="We parse the sea & its waves; see https://example.org/sea. Gains of 3% over α.",
        authors=("Maurice J. Pescatore Jr.", "Răzvan-Alexandru Șmădu", "Sukarno"),
        date="2099-07-13",
        venue="Proceedings of the First Workshop on Tides (Volume 1: Long Papers)",
        url="https://aclanthology.org/2099.tide-long.1",
        doi="10.18653/v1/2099.tide-long.1",
        source="acl.xml",
        extra={"anthology_id": "2099.tide-long.1", "acl_venue": "tide ws", "pages": "1–10"},
    )


def test_a_volume_without_description_does_not_borrow_the_one_before() -> None:
    paper = read(DATA.read_bytes())[3]
    assert isinstance(paper, Paper)
    assert (paper.venue, paper.date, paper.abstract) == (None, "2098", "潮汐模型很小。")
    assert paper.url == "http://www.lrec-conf.org/proceedings/tide/4.pdf"
    assert paper.extra == {"anthology_id": "2099.tide-short.4", "language": "zho"}


@pytest.mark.parametrize(
    ("collection", "volume", "paper", "expected"),
    [
        ("2020.acl", "main", "7", "2020.acl-main.7"),
        ("P18", "1", "7", "P18-1007"),
        ("W04", "3", "12", "W04-0312"),
        ("D19", "1", "5", "D19-1005"),
        ("D19", "50", "5", "D19-5005"),
        ("C69", "2", "1", "C69-0201"),
    ],
)
def test_ids_are_built_as_the_anthology_does(collection: str, volume: str, paper: str, expected: str) -> None:
    record = read_one(
        f'<collection id="{collection}"><volume id="{volume}"><paper id="{paper}">{PAPER}</paper></volume></collection>'
    )
    assert record.extra["anthology_id"] == expected
    assert record.url == f"https://aclanthology.org/{expected}"


def test_the_form_before_2019_where_a_volume_is_the_file() -> None:
    record = read_one(f'<volume id="P12"><paper id="1001">{PAPER}<year>2012</year><month>July</month></paper></volume>')
    assert (record.extra["anthology_id"], record.date) == ("P12-1001", "2012-07")


def test_a_journal_names_itself_and_not_its_issue() -> None:
    record = read_one(
        '<collection id="J89"><volume id="1" type="journal"><meta><booktitle>Waves, Volume 15</booktitle>'
        "<journal-title>Waves</journal-title><year>1989</year></meta>"
        f'<paper id="1">{PAPER}</paper></volume></collection>'
    )
    assert (record.venue, record.date) == ("Waves", "1989")


def test_a_paper_outside_a_collection_is_read_all_the_same() -> None:
    assert read_one(f"<paper>{PAPER}</paper>").extra == {}
