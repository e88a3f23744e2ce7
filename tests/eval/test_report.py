"""The page is well-formed, loads nothing, and can be read in both schemes, in print and without eyes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eval.plots import Kind, Plot, Point, Series, draw
from eval.report import Number, Report, Section, Table, html, marked, table_of, write_html
from eval.style import DARK, DARK_SERIES, LIGHT, LIGHT_SERIES
from eval.svg import figures, marker, scale, tick_label, ticks, ticks_within
from rag.errors import UsageError

XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<script>alert('x')</script> & \"q\" \x00\x1b\ud800 é →"
KINDS: tuple[Kind, ...] = ("line", "curve", "scatter", "bar", "dot")


def plot(kind: Kind = "line", name: str = "A", **changed: object) -> Plot:
    by_category = kind in ("bar", "dot")
    series = tuple(
        Series(
            label,
            tuple(
                Point(f"c{x}" if by_category else x, place + x / 100, place + x / 100 - 0.1, place + x / 100 + 0.1)
                for x in (1, 10, 100)
            ),
        )
        for place, label in enumerate((name, "B", "C"))
    )
    return Plot(**{"title": "Title", "description": "What to see", "series": series, "kind": kind, **changed})  # type: ignore[arg-type]


def page(*parts: Table | Plot, **changed: object) -> Report:
    return Report("A title", "A lead.", (("Queries", "809"),), (Section("Heading", ("Text.",), parts),), "Foot.")


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def test_the_page_and_its_pictures_are_well_formed() -> None:
    root = parsed(html(page(*(plot(kind) for kind in KINDS), Table(("", "n"), (("row", Number(1.0)),)))))
    assert root.tag == f"{XHTML}html"
    assert root.get("lang") == "en"
    assert len(root.findall(f".//{SVG}svg")) == len(KINDS)
    assert len(root.findall(f".//{XHTML}h1")) == 1


def test_names_are_escaped_everywhere() -> None:
    table = Table((NASTY, NASTY), ((NASTY, Number(1.0)), (NASTY, NASTY)), NASTY)
    plots = [plot(kind, NASTY, title=NASTY, description=NASTY, x_label=NASTY, y_label=NASTY) for kind in KINDS]
    bars = Plot(NASTY, NASTY, (Series(NASTY, (Point(NASTY, 1.0),)),), "bar")
    report = Report(NASTY, NASTY, ((NASTY, NASTY),), (Section(NASTY, (NASTY,), (table, bars, *plots)),), NASTY)
    text = html(report)
    root = parsed(text)
    assert "<script" not in text
    assert "alert" in "".join(root.itertext())
    assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_nothing_is_loaded_from_anywhere() -> None:
    text = html(page(*(plot(kind) for kind in KINDS)))
    without_namespaces = re.sub(r' xmlns="[^"]+"', "", text)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|src=|<link|<img|<script", without_namespaces)
    assert "default-src 'none'" in text


def test_every_picture_has_a_title_a_description_and_its_numbers_beside_it() -> None:
    root = parsed(html(page(*(plot(kind) for kind in KINDS))))
    ids: list[str] = []
    for figure in root.iter(f"{XHTML}figure"):
        picture = figure.find(f".//{SVG}svg")
        assert picture is not None
        assert picture.get("role") == "img"
        labelled = (picture.get("aria-labelledby") or "").split()
        assert [picture.findtext(f"{SVG}{tag}") for tag in ("title", "desc")] == ["Title", "What to see"]
        ids += labelled
        assert len(figure.findall(f".//{XHTML}tbody/{XHTML}tr")) == 3
        assert "0.100" in "".join(figure.itertext())
    assert len(set(ids)) == len(ids) == 2 * len(KINDS)


def test_both_schemes_and_print_are_there() -> None:
    text = html(page())
    assert "@media screen and (prefers-color-scheme: dark)" in text
    assert "@media print" in text
    for theme in (LIGHT, DARK):
        assert all(f"--{name}: {colour}" in text for name, colour in theme.items())


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("theme", "series"), [(LIGHT, LIGHT_SERIES), (DARK, DARK_SERIES)])
def test_text_and_series_stand_out_from_their_ground(theme: dict[str, str], series: tuple[str, ...]) -> None:
    assert theme.keys() == LIGHT.keys()
    for ground in ("surface", "ground"):
        assert contrast(theme["text"], theme[ground]) >= 7
        assert contrast(theme["muted"], theme[ground]) >= 4.5
        assert all(contrast(colour, theme[ground]) >= 3 for colour in series)
    assert contrast(theme["accent"], theme["best"]) >= 4.5


def test_series_differ_in_shape_as_well_as_in_colour() -> None:
    assert len({marker(number, 0, 0) for number in range(6)}) == 6
    dashes = re.findall(r'<polyline class="line" stroke-dasharray="([^"]+)"', draw(plot(), "p"))
    assert len(set(dashes)) == 3


def test_numbers_keep_their_intervals_signs_and_gaps() -> None:
    table = Table(
        ("", "x"),
        (("a", Number(-0.5, -0.6, 0.1, 2, is_best=True, signed=True)), ("b", None), ("c", Number(1234, digits=0))),
    )
    text = "".join(parsed(html(page(table))).itertext())
    assert "−0.50 −0.60 to +0.10" in text
    assert "1,234" in text
    assert [figures(v, 2, signed=True) for v in (-0.001, 0.0, 0.004, -0.01)] == ["0.00", "0.00", "0.00", "−0.01"]
    assert "–" in text


def test_the_numbers_of_a_plot_are_a_row_for_each_x() -> None:
    series = (Series("a", (Point(1, 0.5), Point(2, 0.6))), Series("b", (Point(2, 0.7, 0.6, 0.8),)))
    table = table_of(Plot("t", "d", series, x_label="k"))
    assert table.columns == ("k", "a", "b")
    assert table.rows == (("1", Number(0.5), None), ("2", Number(0.6), Number(0.7, 0.6, 0.8)))


def test_many_numbers_are_folded_away() -> None:
    curve = Plot("t", "d", (Series("a", tuple(Point(x, x / 50) for x in range(50))),), "curve")
    assert "<details>" in html(page(curve))
    assert "<details>" not in html(page(plot()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_of_nothing_or_of_one_point_is_drawn(kind: Kind) -> None:
    for points in ((), (Point("a" if kind in ("bar", "dot") else 3, 0.0),), (Point(1.0, float("nan")),)):
        drawn = draw(Plot("t", "d", (Series("s", points),), kind), "p")
        parsed(html(page()))
        ElementTree.fromstring(drawn)
        assert "nan" not in drawn


def test_everything_is_drawn_inside_the_picture() -> None:
    for kind in KINDS:
        drawn = draw(plot(kind, "a name that is very long " * 4), "p")
        height = float(re.findall(r'viewBox="0 0 640 (\d+)"', drawn)[0])
        places = [(float(x), float(y)) for x, y in re.findall(r' x="([\d.-]+)" y="([\d.-]+)"', drawn)]
        assert all(0 <= x <= 640 and 0 <= y <= height for x, y in places)


def test_a_logarithmic_dot_plot_spans_whole_powers_of_ten() -> None:
    series = (Series("ms", (Point("fast", 0.4), Point("slow", 2300.0))),)
    drawn = draw(Plot("t", "d", series, "dot", log_x=True, digits=1), "p")
    assert re.findall(r'class="tick"[^>]*>([^<]+)', drawn) == ["0.1", "1", "10", "100", "1,000", "10,000"]
    assert "2,300.0" in drawn


def test_scales_and_ticks() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert ticks(0.61, 0.74) == [0.6, 0.65, 0.7, 0.75]
    assert ticks(-0.013, 0.042)[0] <= -0.013
    assert len(ticks(5, 5)) >= 2
    assert ticks_within(1, 100, log=True) == [1, 2, 5, 10, 20, 50, 100]
    assert ticks_within(0.05, 0.95) == [0.2, 0.4, 0.6, 0.8]
    assert tick_label(0.25, [0.0, 0.25]) == "0.2"
    assert tick_label(1500, [0, 500]) == "1,500"
    log = scale(1, 100, 0, 10, log=True)
    assert [round(log(v), 6) for v in (1, 10, 100)] == [0, 5, 10]
    assert scale(3, 3, 0, 10)(3) == 5
    with pytest.raises(ValueError, match="logarithmic"):
        scale(0, 1, 0, 1, log=True)


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    write_html(page(), tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(UsageError, match="cannot be written"):
        write_html(page(), tmp_path / "deep" / "report.html" / "x")


def test_a_difference_for_the_worse_looks_unlike_one_for_the_better() -> None:
    points = (
        Point("good", 0.2, 0.1, 0.3, marked(0.2, is_told_apart=True)),
        Point("bad", -0.2, -0.3, -0.1, marked(-0.2, is_told_apart=True)),
        Point("unsure", 0.1, -0.1, 0.3, marked(0.1, is_told_apart=False)),
    )
    root = parsed(html(page(Plot("T", "D", (Series("Difference", points),), "dot", signed=True))))
    kinds = [e.get("class") for e in root.iter(f"{SVG}g")]
    assert kinds == ["better-point", "worse-point", "open-point"]
    # The first command of each path sets the place; the rest is the shape.
    shapes = [
        re.sub(r"^M[\d.]+ [\d.]+", "", e.get("d") or "") for e in root.iter(f"{SVG}path") if e.get("class") == "marker"
    ]
    assert len(set(shapes)) == 3
    cells = [e.get("class") for e in root.iter(f"{XHTML}td")]
    assert cells == ["number best", "number worse", "number"]
    text = html(page())
    assert all(f".{kind}" in text for kind in ("best", "worse", "better-point", "worse-point", "open-point"))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_colour_for_worse_can_be_read_on_its_ground(theme: dict[str, str]) -> None:
    assert contrast(theme["alarm"], theme["worse"]) >= 4.5
    assert contrast(theme["alarm"], theme["surface"]) >= 3
    assert theme["alarm"] != theme["accent"]
