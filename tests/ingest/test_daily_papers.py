"""Pages written here in the page's own format, each with something odd about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.records import Record, Rejected
from ingest.sources import read_file
from rag.types import Paper

FURNITURE = """new

Get trending papers in your email inbox!

Subscribe

Daily Papers

byAK and the research community

Nov 5

"""


def entry(
    title: str = "LoRA Without Regret: Low-Rank Adaptation Revisited",
    abstract: str = "We adapt large models with few weights. It works.",
    byline: str = "  • 4 authors",
    date: str = "Oct 8, 2024",
) -> str:
    return f"{title}\n\n{abstract}\n\n{byline}\n·\n{date}\n\n"


@pytest.fixture
def read(tmp_path: Path):
    def read_page(text: str, name: str = "page_2025-11-05.txt") -> list[Record]:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return list(read_file(path, None, lambda done: None))

    return read_page


def papers(records: list[Record]) -> list[Paper]:
    assert not [r for r in records if isinstance(r, Rejected)]
    return [r for r in records if isinstance(r, Paper)]


def test_a_plain_entry(read, tmp_path: Path) -> None:
    (paper,) = papers(read(FURNITURE + entry()))
    assert paper.title == "LoRA Without Regret: Low-Rank Adaptation Revisited"
    assert paper.abstract == "We adapt large models with few weights. It works."
    assert (paper.author_count, paper.organization, paper.authors) == (4, None, ())
    assert (paper.date, paper.comments) == ("2024-10-08", 0)
    assert paper.kind == "abstract"
    assert paper.source == str(tmp_path / "page_2025-11-05.txt")


@pytest.mark.parametrize(
    ("line", "date", "comments"),
    [
        ("Aug 9 2", "2025-08-09", 2),
        ("Aug 9", "2025-08-09", 0),
        ("Sep 20, 2023 3", "2023-09-20", 3),
        ("Sep 20, 2023", "2023-09-20", 0),
        ("September 20, 2023 112", "2023-09-20", 112),
        ("Feb 29, 2024", "2024-02-29", 0),
        ("Dec 31 1", "2025-12-31", 1),
    ],
)
def test_dates_and_comments(read, line: str, date: str, comments: int) -> None:
    (paper,) = papers(read(entry(date=line)))
    assert (paper.date, paper.comments) == (date, comments)


@pytest.mark.parametrize("name", ["page_2021-03-04.txt", "2021-03-04.txt", "daily-2021-03-04-evening.txt"])
def test_a_missing_year_is_the_year_in_the_file_name(read, name: str) -> None:
    (paper,) = papers(read(entry(date="Jun 15 1"), name))
    assert paper.date == "2021-06-15"


def test_without_a_date_in_its_name_the_file_s_last_change_gives_the_year(tmp_path: Path) -> None:
    path = tmp_path / "saved.txt"
    path.write_text(entry(date="Jun 15"), encoding="utf-8")
    os.utime(path, (1_577_880_000, 1_577_880_000))  # 1 January 2020, noon
    (paper,) = papers(list(read_file(path, None, lambda done: None)))
    assert paper.date == "2020-06-15"


@pytest.mark.parametrize(
    ("byline", "count", "organization"),
    [
        ("  • 1 author", 1, None),
        ("• 15 authors", 15, None),
        ("UCAS ucas", None, "UCAS"),
        ("Google DeepMind", None, "Google DeepMind"),
        ("Allen Institute for AI allenai", None, "Allen Institute for AI"),
        ("  • NVIDIA nvidia", None, "NVIDIA"),
        ("UCAS", None, "UCAS"),
    ],
)
def test_authors_or_an_organisation(read, byline: str, count: int | None, organization: str | None) -> None:
    (paper,) = papers(read(entry(byline=byline)))
    assert (paper.author_count, paper.organization) == (count, organization)


def test_the_page_s_furniture_belongs_to_no_paper(read) -> None:
    (first, second) = papers(read(FURNITURE + entry() + entry("DPO Explained", "Another one.")))
    assert first.title.startswith("LoRA")
    everything = " ".join([first.title, first.abstract, second.title, second.abstract])
    for word in ("Subscribe", "email inbox", "byAK", "Daily Papers", "Nov 5"):
        assert word not in everything


def test_furniture_between_papers_is_left_out_too(read) -> None:
    page = entry() + "Upvote 12\n\nSubmitted by akhaliq\n\n" + entry("DPO Explained", "Another one.")
    assert [p.title for p in papers(read(page))][1] == "DPO Explained"


@pytest.mark.parametrize(
    "title",
    [
        "Upvotes Are Not Enough: Ranking Answers with Language Models",
        "Submitted by Machines: Detecting Generated Reviews",
        "By Aktivations Alone: Probing Frozen Encoders",
    ],
)
def test_a_title_that_begins_like_furniture_is_a_title(read, title: str) -> None:
    (_, paper) = papers(read(FURNITURE + entry() + entry(title)))
    assert paper.title == title


def test_an_abstract_of_several_paragraphs_is_one_text(read) -> None:
    (paper,) = papers(read(entry(abstract="First paragraph.\n\nSecond one,\nbroken over lines.\n\nThird.")))
    assert paper.abstract == "First paragraph. Second one, broken over lines. Third."


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(read) -> None:
    (paper,) = papers(read("\ufeff" + (FURNITURE + entry()).replace("\n", "\r\n")))
    assert paper.title.startswith("LoRA")
    assert paper.abstract.endswith("It works.")


def test_latex_debris_becomes_readable(read) -> None:
    (paper,) = papers(
        read(
            entry(
                r"S^{2}FT: 3times Faster, 25\% Smaller",
                r"It is 3times faster and 25\% smaller, with \textbf{LoRA} and $r \leq 8$, at \sim5 \alpha.",
            )
        )
    )
    assert paper.title == "S²FT: 3× Faster, 25% Smaller"
    assert paper.abstract == "It is 3× faster and 25% smaller, with LoRA and r ≤ 8, at ~5 α."


def test_a_missing_abstract_is_rejected_with_its_line(read, tmp_path: Path) -> None:
    page = entry() + "A Title Alone\n\n  • 2 authors\n·\nOct 8, 2024\n\n" + entry("DPO Explained", "Another one.")
    first, rejected, second = read(page)
    assert isinstance(first, Paper)
    assert isinstance(rejected, Rejected)
    assert rejected.source == str(tmp_path / "page_2025-11-05.txt")
    line = int(rejected.where.removeprefix("line "))
    assert page.splitlines()[line - 1] == "A Title Alone"
    assert "abstract" in rejected.reason
    assert isinstance(second, Paper)
    assert second.title == "DPO Explained"


@pytest.mark.parametrize("date", ["yesterday", "Feb 30, 2024", "Feb 29", "Oct 0, 2024", "8 Oct 2024"])
def test_a_bad_date_is_rejected_with_its_line_and_the_next_paper_is_kept(read, date: str) -> None:
    page = entry() + entry("A Paper of No Day", date=date) + entry("DPO Explained", "Another one.")
    _, rejected, kept = read(page)
    assert isinstance(rejected, Rejected)
    line = int(rejected.where.removeprefix("line "))
    assert page.splitlines()[line - 1] == date
    assert repr(date) in rejected.reason
    assert isinstance(kept, Paper)
    assert kept.title == "DPO Explained"


def test_a_missing_date_costs_only_its_own_paper(read) -> None:
    undated = "A Paper Without a Date\n\nIts abstract.\n\n  • 2 authors\n·\n\n"
    records = read(entry() + undated + entry("DPO Explained", "Another one."))
    assert [r.title for r in records if isinstance(r, Paper)][-1] == "DPO Explained"
    assert len([r for r in records if isinstance(r, Rejected)]) == 1


def test_a_paper_cut_off_at_the_end_of_the_file_is_rejected_not_lost(read) -> None:
    records = read(entry() + "A Paper Cut Off\n\nIts abstract.\n\n  • 2 authors\n")
    assert isinstance(records[0], Paper)
    assert [type(r) for r in records[1:]] == [Rejected]


def test_every_spelling_of_a_title_has_the_same_id(read) -> None:
    spelled = papers(read(entry(r"S^{2}FT: Efficient  Tuning") + entry("S²FT: efficient tuning")))
    assert spelled[0].id == spelled[1].id
    (other,) = papers(read(entry("S³FT: Efficient Tuning")))
    assert other.id != spelled[0].id
