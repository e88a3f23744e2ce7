"""The map as markup. Pure functions, as in `ui.render`.

A group's papers are one path of strokes without length, whose round ends are the dots: four thousand papers are
a dozen elements, and a style sheet colours them. What the page's script needs to name a dot lies beside it in
`data-papers`; whatever is read at length it asks the server for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from rag.types import Paper
from ui import cards, texts
from ui.atlas.atlas import SCALE, Atlas
from ui.atlas.keeper import Drawing
from ui.atlas.periods import periods
from ui.formulas import rendered

WAYS = ("topic", "year")
LISTED = 200
# Characters of a label; a term may be any word somebody wrote.
LONGEST = 36
# Room that a label takes, in per cent of the map's width and height: a character, a line.
LETTER, LINE = 0.95, 5.5


@dataclass(frozen=True, slots=True)
class Group:
    """Papers of one colour. `colour` is the name of its class; places are those in the atlas's columns."""

    name: str
    colour: str
    places: tuple[int, ...]


def groups(atlas: Atlas, by: str) -> list[Group]:
    """The groups of one way to colour the map: topics, the largest first, or years, the oldest first."""
    if by == "year":
        ranges, which = periods(atlas.dates)
        found = [
            Group(texts.years_between(*years), f"pc-y{number}", _places(which, number))
            for number, years in enumerate(ranges)
        ]
        undated = _places(which, -1)
        return [*found, Group(texts.MAP_UNDATED, "pc-y-none", undated)] if undated else found
    return [
        Group(", ".join(terms) or texts.MAP_TOPIC_UNNAMED, f"pc-t{number}", _places(atlas.topic, number))
        for number, terms in enumerate(atlas.topics)
    ]


def drawing(state: Drawing) -> str:
    """Said while the map is being drawn."""
    done = round(100 * state.share)
    return (
        f'<div class="pc-map-drawing" role="status"><p>{escape(texts.MAP_STAGES[state.doing])}</p>'
        f'<div class="pc-map-bar" role="progressbar" aria-label="{escape(texts.MAP_STAGES[state.doing])}" '
        f'aria-valuenow="{done}" aria-valuemin="0" aria-valuemax="100"><span style="width:{done}%"></span></div></div>'
    )


def failed(message: str) -> str:
    """Why there is no map."""
    return f'<p class="pc-map-none pc-error" role="alert">{escape(message)}</p>'


def view(atlas: Atlas) -> str:
    """The map, its legend, and room for what the reader chooses."""
    if not len(atlas):
        return f'<p class="pc-map-none" role="status">{escape(texts.MAP_NONE)}</p>'
    ways = {by: groups(atlas, by) for by in WAYS}
    dots = "".join(_dots(atlas, by, group) for by, found in ways.items() for group in found)
    size = next(name for most, name in ((150, "large"), (700, "middle"), (1e9, "small")) if len(atlas) <= most)
    marks = "".join(f'<path class="pc-{name}" d=""></path>' for name in ("found", "ring", "chosen", "here"))
    label = texts.map_label(len(atlas), [group.name for group in ways["topic"]])
    note = f" {texts.map_sample(len(atlas), atlas.total)}" if len(atlas) < atlas.total else ""
    return (
        f'<div class="pc-map" data-by="topic" data-dots="{size}" data-papers="{escape(_data(atlas))}">'
        f'<div class="pc-map-left"><div class="pc-map-plane" role="img" aria-label="{escape(label)}">'
        f'<svg viewBox="0 0 {SCALE} {SCALE}" preserveAspectRatio="none" aria-hidden="true">{dots}'
        f"{marks}"
        f'</svg>{_labels(atlas)}<div class="pc-map-tip" hidden></div></div>'
        f'<p class="pc-map-hint">{escape(texts.MAP_HINT + note)}</p></div>'
        f'<div class="pc-map-side">{_switch()}<div class="pc-map-card" aria-live="polite"></div>'
        f"{''.join(_legend(by, found) for by, found in ways.items())}"
        '<div class="pc-map-papers"></div></div></div>'
    )


def listing(atlas: Atlas, places: Iterable[int], words: str) -> str:
    """Papers of the map as a list: the way to them without a pointer."""
    chosen = list(places)
    rows = "".join(
        f'<li><button type="button" data-do="map-paper" data-place="{place}">{escape(atlas.titles[place])}'
        f"{_small(' · '.join(part for part in (atlas.who[place], atlas.dates[place]) if part))}</button></li>"
        for place in chosen[:LISTED]
    )
    if not rows:
        return f'<p class="pc-map-none" role="status">{escape(texts.MAP_PAPERS_NONE)}</p>'
    head = texts.map_papers(min(len(chosen), LISTED), len(chosen), words)
    return f'<h3 role="status">{escape(head)}</h3><ul class="pc-map-list">{rows}</ul>'


def card(paper: Paper, topic: str) -> str:
    """The paper that was chosen, and what can be asked about it."""
    text = rendered(paper.abstract) if paper.abstract.strip() else escape(texts.NO_ABSTRACT)
    heading = texts.DIGEST_HEADING if paper.kind == "digest" else texts.ABSTRACT
    return (
        f'<div class="pc-card pc-active"><div class="pc-card-head"><h3>{cards.title(paper)}</h3>'
        f'<button type="button" class="pc-small pc-map-close" data-do="map-close" '
        f'aria-label="{escape(texts.MAP_CLOSE)}">×</button></div>'
        f'{cards.byline(paper)}<p class="pc-byline">{escape(topic)}</p>'
        f"<details><summary>{escape(heading)}</summary>"
        f'<p class="pc-abstract">{text}</p></details><p><button type="button" class="pc-tool" data-do="about" '
        f'data-text="{escape(texts.ABOUT_QUESTION.format(title=paper.title or paper.id))}">{escape(texts.ASK_ABOUT)}'
        f"</button></p></div>"
    )


def by_nearness(atlas: Atlas, group: Group) -> list[int]:
    """A group's papers, those in its middle first."""
    across, down = _middle(atlas, group.places)
    return sorted(group.places, key=lambda p: (atlas.across[p] - across) ** 2 + (atlas.down[p] - down) ** 2)


def _places(numbers: Sequence[int], wanted: int) -> tuple[int, ...]:
    return tuple(place for place, number in enumerate(numbers) if number == wanted)


def _middle(atlas: Atlas, places: Sequence[int]) -> tuple[float, float]:
    return median(atlas.across[place] for place in places), median(atlas.down[place] for place in places)


def _dots(atlas: Atlas, by: str, group: Group) -> str:
    path = "".join(f"M{atlas.across[place]} {atlas.down[place]}h0" for place in group.places)
    return f'<path class="pc-dots pc-by-{by} {group.colour}" d="{path}"></path>'


def _data(atlas: Atlas) -> str:
    about = [" · ".join(part for part in pair if part) for pair in zip(atlas.who, atlas.dates, strict=True)]
    columns = {"ids": atlas.ids, "titles": atlas.titles, "about": about, "x": atlas.across, "y": atlas.down}
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":"))


def _switch() -> str:
    buttons = "".join(
        f'<button type="button" data-do="map-by" data-by="{by}" aria-pressed="{"true" if by == "topic" else "false"}">'
        f"{escape(words)}</button>"
        for by, words in texts.MAP_BY
    )
    return (
        f'<div class="pc-map-switch"><span id="pc-map-by">{escape(texts.MAP_BY_LABEL)}</span>'
        f'<div class="pc-segments" role="group" aria-labelledby="pc-map-by">{buttons}</div></div>'
    )


def _legend(by: str, found: Sequence[Group]) -> str:
    rows = "".join(
        f'<li><button type="button" data-do="map-group" data-by="{by}" data-group="{number}" aria-pressed="false">'
        f'<span class="pc-swatch {group.colour}" aria-hidden="true"></span><span>{escape(group.name)}</span> '
        f"{_small(f'{len(group.places):,}')}</button></li>"
        for number, group in enumerate(found)
    )
    return f'<ul class="pc-legend-list" data-by="{by}"{"" if by == "topic" else " hidden"}>{rows}</ul>'


def _small(words: str) -> str:
    return f'<span class="pc-map-small">{escape(words)}</span>' if words else ""


def _labels(atlas: Atlas) -> str:
    """A topic's first terms at its middle, moved where two would lie on each other."""
    boxes: list[tuple[float, float, float]] = []
    drawn = []
    for group in groups(atlas, "topic"):
        words = _cut(", ".join(group.name.split(", ")[:2]))
        across, down = (100 * part / SCALE for part in _middle(atlas, group.places))
        half = len(words) * LETTER / 2
        across = min(max(across, half), 100 - half)
        down = _free(across, min(max(down, LINE), 100 - LINE), half, boxes)
        boxes.append((across, down, half))
        drawn.append(
            f'<span class="pc-map-label" style="left:{across:.1f}%;top:{down:.1f}%">'
            f'<span class="pc-swatch {group.colour}"></span>{escape(words)}</span>'
        )
    return f'<div class="pc-map-labels" aria-hidden="true">{"".join(drawn)}</div>'


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def _free(across: float, down: float, half: float, boxes: Sequence[tuple[float, float, float]]) -> float:
    steps = [0.0, *(sign * LINE * number / 2 for number in range(1, 16) for sign in (1, -1))]
    for step in steps:
        place = down + step
        if LINE / 2 <= place <= 100 - LINE / 2 and not any(
            abs(place - other) < LINE and abs(across - centre) < half + width for centre, other, width in boxes
        ):
            return place
    return down
