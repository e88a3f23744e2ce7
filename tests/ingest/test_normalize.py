"""Raw fields to one form, for every script and spelling that sources use; and no input breaks it."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import normalize
from ingest.normalize import clean, latex_letters

# Text with what sources trip over, more often than chance has it.
PIECES = [
    "a", "B", "é", "e\u0301", "ß", "α", "王", "が", "か\u3099", "ﬁ", "\u00ad", "\u200b", " ", "\t", "\n", "&amp;", "&lt;", "&",
    "<i>", "</i>", "<", ">", "$", "\\", "{", "}", '\\"o', "\\alpha", "\\'{e}", "^{2}", "_{i}", "3times", "%", "\\%", "10.1/x",
    "2020", "Jan", ",", ".", "-", "/", "v1", "\x00", "\x93", "\ufeff", "0", "٣", "\ud800",
]  # fmt: skip
MESSY = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


@settings(max_examples=50)
@given(MESSY)
def test_what_is_cleaned_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert once == " ".join(once.split())


@settings(max_examples=50)
@given(MESSY)
def test_nothing_breaks_it(text: str) -> None:
    latex_letters(text)
    normalize.unbraced(text)
    assert isinstance(normalize.person(text), str)
    doi, arxiv, pubmed = normalize.doi(text), normalize.arxiv(text), normalize.pubmed(text)
    assert doi is None or (doi.startswith("10.") and normalize.doi(doi) == doi)
    assert arxiv is None or normalize.arxiv(arxiv[0]) == (arxiv[0], None)
    assert pubmed is None or normalize.pubmed(pubmed) == pubmed


def is_date(text: str) -> bool:
    for form in ("%Y", "%Y-%m", "%Y-%m-%d"):
        try:
            datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        return len(text) == {"%Y": 4, "%Y-%m": 7, "%Y-%m-%d": 10}[form]
    return False


DAYS = st.tuples(st.integers(1900, 2100), st.integers(0, 14), st.integers(0, 33))
DATES = st.one_of(
    MESSY,
    st.integers(-(10**9), 10**9),
    st.floats(),
    st.none(),
    DAYS.filter(lambda d: d[1:] != (2, 29)).map(lambda d: "{}-{:02}-{:02}".format(*d)),
    DAYS.filter(lambda d: d[1:] != (2, 29)).map(lambda d: "{2}/{1}/{0}".format(*d)),
    st.tuples(
        st.integers(0, 40), st.sampled_from("Jan. Febr Sept Dezember sommer".split()), st.integers(1000, 3000)
    ).map(lambda d: "{} {} {}".format(*d)),
)


@settings(max_examples=50)
@given(DATES)
def test_a_date_is_a_date_or_none(text: str | int | float | None) -> None:
    found = normalize.date(text)
    assert found is None or is_date(found), found
    assert found is None or normalize.date(found) == found


def test_the_29th_of_february_is_in_leap_years_only() -> None:
    assert normalize.date("2020-02-29") == "2020-02-29"
    assert normalize.date("2021-02-29") == "2021-02"


def test_a_number_of_thousands_of_digits_is_no_date_and_no_id() -> None:
    assert normalize.date(10**5000) is None
    assert normalize.pubmed(10**5000) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2020", "2020"), (2020, "2020"), (2020.0, "2020"), ("2020-3", "2020-03"), ("2020-03-04T10:00:00Z", "2020-03-04"),
        ("2020/03/04", "2020-03-04"), ("20200304", "2020-03-04"), (20200304, "2020-03-04"), ("4 March 2020", "2020-03-04"),
        ("March 4th, 2020", "2020-03-04"), ("2020 Jan-Feb", "2020-01"), ("2020 Mar 4-8", "2020-03-04"), ("Spring 2020", "2020"),
        ("Wed, 4 Mar 2020 10:11:12 GMT", "2020-03-04"), ("2020-13-01", "2020"), ("2020-04-31", "2020-04"), ("n.d.", None),
        ("", None), (None, None), (True, None), (float("nan"), None), (float("inf"), None), ("12345", None), ("0999", None),
    ],
)  # fmt: skip
def test_dates_as_exact_as_they_are_given(text: str | float | None, date: str | None) -> None:
    assert normalize.date(text) == date


@pytest.mark.parametrize(
    ("text", "date"), [("decision 2019", "2019"), ("Marine Biology 2019", "2019"), ("Augsburg, 2019", "2019")]
)
def test_a_word_that_begins_like_a_month_is_none(text: str, date: str) -> None:
    assert normalize.date(text) == date


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        ("Cafe\u0301 nai\u0308ve", "Café naïve"), ("e\u0302\u0301tude", "ế" + "tude"), ("eﬃcient ﬁnite ﬂow", "efficient finite flow"),
        ("hy\u00adphen\u200bated", "hyphenated"), ("深層学習 と 王伟", "深層学習 と 王伟"), ("か\u3099ん", "がん"), ("Ελληνικά", "Ελληνικά"),
        ("한국어", "한국어"), ("Қазақ тілі", "Қазақ тілі"), ("العربية", "العربية"), ("a &amp; b &amp;lt; c", "a & b < c"), ("p &lt; 0.05", "p < 0.05"),
        ("x < y and y > z", "x < y and y > z"), ("H<sub>2</sub>O and <i>E. coli</i>", "H₂O and E. coli"), ("25\\% of S^{2}FT", "25% of S²FT"),
        ("<jats:p>One.</jats:p><jats:p>Two.</jats:p>", "One. Two."), ("\x93quoted\x94 \x96 text\x00", "“quoted” – text"),
        ("$\\alpha$-synuclein", "α-synuclein"), ('G{\\"o}del', "Gödel"), ("a\r\n  b\u00a0c", "a b c"), ("$5 and $10 prices", "$5 and $10 prices"),
    ],
)  # fmt: skip
def test_text_is_readable(raw: str, readable: str) -> None:
    assert clean(raw) == readable


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        ("NF-$\\kappa$B", "NF-κB"),
        ("$\\chi^{2}$ test", "χ² test"),
        ("$\\Lambda$CDM", "ΛCDM"),
        ("$\\eta$ and $\\nu$", "η and ν"),
        ("$\\Gamma$", "Γ"),
    ],
)
def test_every_greek_letter_is_readable(raw: str, readable: str) -> None:
    assert clean(raw) == readable


@pytest.mark.parametrize(
    ("raw", "letters"),
    [
        ("M\\\"uller M{\\\"u}ller M\\\"{u}ller {\\\"u}", "Müller Müller Müller ü"), ("\\'E \\`a \\^o \\~n \\=a \\.z", "É à ô ñ ā ż"),
        ("\\v{S} \\c{c} \\k{a} \\H{o} \\u{g} \\r{a} \\v s", "Š ç ą ő ğ å š"), ("{\\ss} {\\o} {\\L}\\'od\\'z {\\ae}", "ß ø Łódź æ"),
        ("\\'\\i \\'{\\i}", "í í"), ("na{\\\"\\i}ve", "naïve"), ("{A \\'e}", "{A é}"), ("no command", "no command"), ("\\cite{x}", "\\cite{x}"),
    ],
)  # fmt: skip
def test_latex_accents_become_letters(raw: str, letters: str) -> None:
    assert latex_letters(raw) == letters


@pytest.mark.parametrize(
    ("raw", "doi"),
    [
        ("10.1000/ABC", "10.1000/abc"), ("https://doi.org/10.1000/abc.", "10.1000/abc"), ("doi:10.1000/a(b)c)", "10.1000/a(b)c"),
        ("http://dx.doi.org/10.1002/(SICI)1097-0258(1998)17:15<1661::AID-SIM968>3.0.CO;2-2", "10.1002/(sici)1097-0258(1998)17:15<1661::aid-sim968>3.0.co;2-2"),
        ("see 10.1000/abc, 10.2/x", "10.1000/abc"), ("10.1000/a&amp;b", "10.1000/a&b"), ("10.1000", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_dois(raw: str | None, doi: str | None) -> None:
    assert normalize.doi(raw) == doi


@pytest.mark.parametrize(
    ("raw", "doi"),
    [
        ("https://www.frontiersin.org/articles/10.3389/fpsyg.2020.01234/full", "10.3389/fpsyg.2020.01234"),
        ("https://link.springer.com/article/10.1007/s11192-020-03690-4?utm_source=x", "10.1007/s11192-020-03690-4"),
        ("https://link.springer.com/content/pdf/10.1007/s11192-020-03690-4.pdf", "10.1007/s11192-020-03690-4"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.01.123456v2.full", "10.1101/2020.01.01.123456"),
        ("https://doi.org/10.1000%2Fabc", "10.1000/abc"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.01.123456v2", "10.1101/2020.01.01.123456"),
        ("https://www.medrxiv.org/content/10.1101/2020.01.01.123456v12.full-text", "10.1101/2020.01.01.123456"),
        ("10.1101/gr.275638.121", "10.1101/gr.275638.121"),
        ("https://doi.org/10.1000/x5v2", "10.1000/x5v2"),  # only bioRxiv is known to write versions so
    ],
)
def test_a_doi_in_a_publishers_address_ends_where_it_ends(raw: str, doi: str) -> None:
    assert normalize.doi(raw) == doi


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("2410.05983", ("2410.05983", None)), ("arXiv:2410.05983v12 [cs.CL]", ("2410.05983", 12)), ("math.GT/0309136", ("math/0309136", None)),
        ("https://arxiv.org/pdf/2410.05983v2.pdf", ("2410.05983", 2)), ("http://arxiv.org/abs/hep-th/9901001", ("hep-th/9901001", None)),
        ("10.48550/arXiv.2410.05983", ("2410.05983", None)), ("2410.059831", None), ("about 2410.05983", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_arxiv_ids(raw: str | None, found: tuple[str, int | None] | None) -> None:
    assert normalize.arxiv(raw) == found


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("12345", "12345"), (12345, "12345"), ("PMID: 0012", "12"), ("https://pubmed.ncbi.nlm.nih.gov/12345678/", "12345678"),
        ("PMC123", None), ("12.5", None), ("", None), (None, None), ("0", None), ("1234567890", None),
    ],
)  # fmt: skip
def test_pubmed_ids(raw: str | int | None, found: str | None) -> None:
    assert normalize.pubmed(raw) == found


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Müller, J.", "J. Müller"), ('M{\\"u}ller, J.', "J. Müller"), ("King, Jr., Martin Luther", "Martin Luther King Jr."),
        ("King, Martin Luther, Jr.", "Martin Luther King Jr."), ("King, Jr.", "King Jr."), ("Wang, Xi", "Xi Wang"), ("Ada Lovelace", "Ada Lovelace"),
        ("{NASA, and Friends}", "NASA, and Friends"), ("van der Berg, Jan", "Jan van der Berg"), ("王伟", "王伟"), (" , ", ""), ("A, B, C, D", "A, B, C, D"),
        (normalize.group("Roof Office, Bergen"), "Roof Office, Bergen"), (normalize.group(""), ""),
    ],
)  # fmt: skip
def test_names_are_first_name_first(raw: str, name: str) -> None:
    assert normalize.person(raw) == name
