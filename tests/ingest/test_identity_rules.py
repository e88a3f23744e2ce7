"""Which records are one paper, and what becomes of two that are: rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.identity import (
    derived_id,
    identifiers,
    is_preprint_doi,
    is_published,
    keys,
    merge,
    other_id,
    outranks,
    same_paper,
    title_id,
    title_key,
)
from rag.types import Paper

WHALES = "Whales sing long songs across cold northern oceans while calves listen near quiet shallow bays every winter"
ICE = "Glaciers shrink where warm currents melt deep basal ice and surface lakes drain through widening cracks fast"
JOURNAL, OTHER_JOURNAL, PREPRINT = "10.1038/x", "10.1016/y", "10.1101/2020.01.02.123456"


def paper(**fields: object) -> Paper:
    made = replace(Paper("", "Songs of whales in winter", WHALES, ("Ann Author", "Bo Coauthor")), **fields)
    return made if made.id else replace(made, id=derived_id(made))


# --- titles --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Deep Learning", "DEEP LEARNING."), ("Re-wiring the cortex", "Rewiring the cortex"), ("Co-operation", "Co operation"),
        ("α-synuclein in neurons", "Alpha-Synuclein in Neurons"), ("$\\beta$-catenin", "β-catenin"), ("Müller cells", "Muller cells"),
        ("Tumour behaviour", "Tumor behavior"), ("Modelling haemoglobin", "Modeling hemoglobin"), ("Optimised organisation", "Optimized organization"),
        ("A centre", "A center"), ("Search & rescue", "Search and rescue"), ('G{\\"o}del', "Gödel"), ("eﬃcient", "efficient"),
        ("深層 学習", "深層学習"), ("\\emph{Drosophila} genes", "Drosophila genes"), ("S$^{2}$FT", "S²FT"), ("Søren’s “idea”", "Soren's 'idea'"),
    ],
)  # fmt: skip
def test_spellings_of_one_title_have_one_key(one: str, other: str) -> None:
    # An accent in LaTeX is resolved before a title gets here.
    one = one.replace('{\\"o}', "ö")
    assert title_key(one) == title_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Part 1", "Part 2"),
        ("Whales I", "Whales II"),
        ("α waves", "β waves"),
        ("深層学習", "機械学習"),
        ("Fast", "Faster"),
    ],
)
def test_other_titles_have_other_keys(one: str, other: str) -> None:
    assert title_key(one) != title_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("λ-calculus", "Lambda-calculus"),
        ("Optical fibres", "Optical fibers"),
        ("Data centres", "Data centers"),
        ("Analysing whales", "Analyzing whales"),
    ],
)
def test_more_spellings_of_one_title(one: str, other: str) -> None:
    assert title_key(one) == title_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("NF-$\\kappa$B", "NF-κB"), ("$\\Lambda$CDM", "ΛCDM"), ("$\\eta$ decays", "η decays")]
)
def test_greek_in_latex_is_greek(one: str, other: str) -> None:
    assert title_key(one) == title_key(other)


@pytest.mark.parametrize("title", ["", "...", "$$", "\u00ad"])
def test_a_title_without_a_word_has_no_key_and_no_id(title: str) -> None:
    assert title_key(title) == title_id(title) == ""


# --- keys ----------------------------------------------------------------------------------------


def test_a_paper_is_found_by_all_it_is_known_by() -> None:
    found = keys(paper(id="own", doi=JOURNAL, arxiv_id="2001.00001", pubmed_id="7"))
    assert {"id:own", f"doi:{JOURNAL}", "arxiv:2001.00001", "pmid:7"} <= set(found)
    assert len(found) == len(set(found)) == 6
    assert keys(paper(id="own", keep_id=True, doi=JOURNAL)) == ("id:own",)


def test_versions_of_a_doi_are_one_identifier() -> None:
    for doi in ("10.21203/rs.3.rs-1/v2", "10.20944/preprints202001.0001.v3", "10.7554/elife.12345.2"):
        assert identifiers(paper(doi=doi)) != {"doi": doi}
    assert identifiers(paper(doi="10.1000/abc.2")) == {"doi": "10.1000/abc.2"}


def test_authors_with_and_without_first_names_share_a_key() -> None:
    full, short = (
        paper(authors=("Jonathan Smith", "Bo Lee"), title="A"),
        paper(authors=("J. Smith", "B. Lee"), title="B"),
    )
    assert set(keys(full)) & set(keys(short))


# --- the same paper ------------------------------------------------------------------------------


def test_one_identifier_is_enough_and_two_that_differ_are_two_papers() -> None:
    assert same_paper(paper(doi=JOURNAL), paper(doi=JOURNAL, title="Other", abstract=ICE, authors=()))
    assert not same_paper(paper(doi=JOURNAL), paper(doi=OTHER_JOURNAL))
    assert not same_paper(paper(arxiv_id="2001.00001"), paper(arxiv_id="2001.00002"))
    assert same_paper(paper(doi=JOURNAL), paper(doi=PREPRINT))


def test_chapters_under_the_doi_of_their_book_are_papers_of_their_own() -> None:
    other = {"doi": JOURNAL, "title": "Deep ice", "abstract": ICE, "authors": ("Cy Nobody",)}
    assert not same_paper(paper(doi=JOURNAL), paper(**other))
    # One thing more in common, or nothing said of it, and the DOI is believed.
    for more in ({"title": paper().title}, {"abstract": WHALES}, {"authors": paper().authors}, {"authors": ()}):
        assert same_paper(paper(doi=JOURNAL), paper(**{**other, **more}))
    assert same_paper(paper(doi=JOURNAL), paper(**{**other, "kind": "digest"}))


def test_a_title_needs_the_first_author_and_the_abstract() -> None:
    assert same_paper(paper(), paper(source="b", authors=("A. Author",)))
    assert not same_paper(paper(), paper(authors=("Cy Nobody",)))
    assert not same_paper(paper(), paper(abstract=ICE))
    assert same_paper(paper(), paper(authors=(), abstract=WHALES + "."))
    assert not same_paper(paper(authors=()), paper(abstract=WHALES[:30] + ICE))
    assert same_paper(paper(), paper(kind="digest", abstract="We heard them."))


def test_a_preprint_under_a_revised_title_is_the_published_paper() -> None:
    published = paper(doi=JOURNAL, title="Songs of whales in early winter")
    assert same_paper(paper(arxiv_id="2001.00001"), published)
    assert not same_paper(paper(arxiv_id="2001.00001"), replace(published, abstract=ICE))
    assert not same_paper(paper(arxiv_id="2001.00001", title="Songs of whales in winter 2"), published)


def test_a_rows_number_is_no_identity() -> None:
    assert not same_paper(paper(id="1", source="a"), paper(id="1", source="b", title="Ice", abstract=ICE))
    assert same_paper(paper(id="1", source="a"), paper(id="1", source="b", title="Whales again"))
    assert same_paper(paper(id="1", source="a"), paper(id="1", source="a", title="Ice", abstract=ICE))


def test_kept_ids_are_all_that_counts() -> None:
    kept = paper(id="1", keep_id=True, doi=JOURNAL)
    assert not same_paper(kept, replace(kept, id="2"))
    assert same_paper(kept, replace(kept, abstract=ICE, title="Ice", doi=None))


TEXTS = st.sampled_from([WHALES, ICE, WHALES[:60] + ICE[-70:], "Short words.", ""])
TITLES = [
    "Songs of whales",
    "Songs of Whales!",
    "Re-wiring whale brains",
    "Rewiring whale brains",
    "Editorial",
    "Songs of ice",
    "",
]
ANY = st.builds(
    paper,
    id=st.sampled_from(["", "1", "2"]),
    title=st.sampled_from(TITLES),
    abstract=TEXTS,
    authors=st.sampled_from([(), ("Ann Author",), ("A. Author", "B Co"), ("Cy Nobody", "Bo Co")]),
    doi=st.sampled_from([None, JOURNAL, OTHER_JOURNAL, PREPRINT, PREPRINT + "v2"]),
    arxiv_id=st.sampled_from([None, "2001.00001", "2001.00002"]),
    pubmed_id=st.sampled_from([None, "7"]),
    kind=st.sampled_from(["abstract", "digest"]),
    venue=st.sampled_from([None, "arXiv", "Nature"]),
    source=st.sampled_from(["a", "b"]),
    keep_id=st.sampled_from([False, False, True]),
    extra=st.sampled_from([{}, {"arxiv_version": "1"}, {"arxiv_version": "2"}, {"note": "n"}]),
)  # fmt: skip


@settings(max_examples=50)
@given(ANY, ANY)
def test_sameness_has_no_direction_and_every_record_is_its_own_paper(a: Paper, b: Paper) -> None:
    assert same_paper(a, a)
    assert same_paper(a, b) == same_paper(b, a)


def test_a_hyphen_gives_sameness_no_direction() -> None:
    half = " ".join([*WHALES.split()[:5], *ICE.split()[5:]])
    a, b = paper(title="Rewiring whale brains"), paper(title="Re-wiring whale brains", abstract=half)
    assert same_paper(a, b) == same_paper(b, a)


# --- which is better, and one of two -------------------------------------------------------------


def test_what_is_better() -> None:
    assert outranks(paper(), paper(kind="digest", doi=JOURNAL)) is True
    assert outranks(paper(doi=JOURNAL), paper(arxiv_id="2001.00001")) is True
    assert outranks(paper(extra={"arxiv_version": "1"}), paper(extra={"arxiv_version": "10"})) is False
    assert outranks(paper(), paper(extra={"arxiv_version": "3"})) is None
    assert [is_published(paper(venue=v)) for v in ("Nature", "arXiv preprint", None)] == [True, False, False]


@settings(max_examples=50)
@given(ANY, ANY)
def test_of_two_records_at_most_one_is_better(a: Paper, b: Paper) -> None:
    back = outranks(b, a)
    assert outranks(a, b) is (None if back is None else not back)


def known_by(p: Paper) -> set[str]:
    return {value for value in (p.doi, p.arxiv_id, p.pubmed_id, p.extra.get("preprint_doi")) if value}


SAME = st.tuples(ANY, ANY).filter(lambda pair: not pair[0].keep_id and not pair[1].keep_id)


@settings(max_examples=50)
@given(SAME)
def test_merging_again_changes_nothing(pair: tuple[Paper, Paper]) -> None:
    merged = merge(*pair, "id")
    assert merge(merged, pair[1], "id") == merge(merged, pair[0], "id") == merge(merged, merged, "id") == merged


@pytest.mark.parametrize(
    "journal_is_better",
    [True, False],
)
def test_both_identifiers_are_kept_whichever_record_is_better(journal_is_better: bool) -> None:
    published, preprint = paper(doi=JOURNAL, pubmed_id="7"), paper(doi=PREPRINT, arxiv_id="2001.00001")
    merged = merge(published, preprint, "id") if journal_is_better else merge(preprint, published, "id")
    assert known_by(merged) == {JOURNAL, PREPRINT, "7", "2001.00001"}
    assert merged.doi == JOURNAL


def test_the_better_records_fields_win_and_the_others_fill() -> None:
    better = paper(doi=JOURNAL, venue="Nature", comments=0, extra={"k": "better"})
    other = paper(
        abstract=ICE, venue="arXiv", date="2020", comments=5, categories=("cs.CL",), extra={"k": "other", "l": "2"}
    )
    merged = merge(better, other, "x")
    assert (merged.abstract, merged.venue, merged.date, merged.comments) == (WHALES, "Nature", "2020", 0)
    assert (merged.categories, dict(merged.extra), merged.id) == (("cs.CL",), {"k": "better", "l": "2"}, "x")


def test_another_id_is_the_same_on_every_run_and_another_for_every_paper() -> None:
    first = paper(id="1")
    assert other_id(first) == other_id(replace(first, source="elsewhere", doi=JOURNAL)) != "1"
    assert other_id(first) != other_id(replace(first, title="Other"))


def test_preprint_servers_are_known() -> None:
    assert all(map(is_preprint_doi, (PREPRINT, "10.48550/arxiv.1", "10.21203/rs.3.rs-1/v1", "10.2139/ssrn.1")))
    assert not is_preprint_doi(JOURNAL)


def test_genome_research_is_a_journal_and_zenodo_is_none() -> None:
    assert not is_preprint_doi("10.1101/gr.275638.121")
    assert is_preprint_doi("10.5281/zenodo.123")
