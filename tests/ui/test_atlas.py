"""The map: neighbours stay neighbours, topics have names, and what the page shows of it is ours."""

from __future__ import annotations

import json
import time
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from rag.errors import PaperchatError, PaperIndexError
from rag.index import Index
from rag.types import Paper
from tests.fakes import build_fake_index
from ui import texts
from ui.atlas import atlas as atlases
from ui.atlas import keeper as keepers
from ui.atlas import layout, markup
from ui.atlas.atlas import SCALE, Atlas, make
from ui.atlas.keeper import AtlasKeeper, Drawing
from ui.atlas.periods import periods

SUBJECTS = (
    ("robot", "robot arm grasping control of a moving robot arm with tactile sensors"),
    ("protein", "protein folding structure prediction from amino acid sequences"),
    ("galaxy", "galaxy clusters and dark matter halos in telescope surveys"),
)


def collection(each: int = 12) -> list[Paper]:
    """Three subjects that share no word."""
    return [
        Paper(f"{name}-{n:02}", f"{name} study {n}", f"{abstract} variant{n % 4}", ("A B",), date=f"{2018 + n % 5}-01")
        for name, abstract in SUBJECTS
        for n in range(each)
    ]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return build_fake_index(collection(), tmp_path)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return make(build_fake_index(collection(), tmp_path_factory.mktemp("map")))


def finished(keeper: AtlasKeeper, index: Index) -> Atlas:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if isinstance(state := keeper.atlas(index), Atlas):
            return state
        time.sleep(0.01)
    raise AssertionError("the map is never finished")


def test_papers_about_the_same_stand_together(drawn: Atlas) -> None:
    subject = [paper_id.split("-")[0] for paper_id in drawn.ids]
    places = np.column_stack([drawn.across, drawn.down]).astype(np.float32)
    near, _ = layout.neighbours(places, 5)
    same = [subject[place] == subject[other] for place, others in enumerate(near) for other in others]
    assert np.mean(same) > 0.9
    assert min(drawn.across) >= 0 and max(drawn.across) <= SCALE
    assert len(set(zip(drawn.across, drawn.down, strict=True))) > len(drawn) / 2


def test_a_topic_is_named_by_what_sets_it_apart(drawn: Atlas) -> None:
    for subject, abstract in SUBJECTS:
        topics = {drawn.topic[place] for place, paper_id in enumerate(drawn.ids) if paper_id.startswith(subject)}
        for topic in topics:
            terms = drawn.topics[topic]
            assert terms and all(word in f"{subject} {abstract}" for term in terms for word in term.split()), terms


def test_the_same_collection_gives_the_same_map(drawn: Atlas, index: Index) -> None:
    assert make(index) == drawn


def test_groups_stay_together_where_two_principal_components_mix_them() -> None:
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(24), 12)
    vectors = random.normal(size=(24, 64))[group] + 0.4 * random.normal(size=(len(group), 64))
    reduced = layout.components(vectors.astype(np.float32))

    def together(plane: np.ndarray) -> float:
        near, _ = layout.neighbours(np.ascontiguousarray(plane), 5)
        return float(np.mean(group[near] == group[:, None]))

    assert together(layout.place(reduced)) > 0.9 > together(reduced[:, :2])


def test_papers_that_say_the_same_and_tiny_collections_can_be_drawn(tmp_path: Path) -> None:
    same = [Paper(f"s{n}", "The same", "the same words") for n in range(9)]
    assert len(make(build_fake_index(same, tmp_path))) == 9
    few = make(build_fake_index(same[:4], tmp_path))
    assert (len(few), few.total) == (0, 4)
    assert texts.MAP_NONE in markup.view(few)
    five = make(build_fake_index([*same[:2], *collection(1)], tmp_path))
    assert len(five) == 5


def test_of_many_papers_a_sample_is_drawn_that_hardly_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlases, "MOST", 20)
    first = make(build_fake_index(collection(), tmp_path))
    assert (len(first), first.total) == (20, 36)
    assert texts.map_sample(20, 36) in markup.view(first)
    again = make(build_fake_index([*collection(), Paper("new", "New robot", "a robot arm")], tmp_path))
    assert len(set(first.ids) & set(again.ids)) >= 19


def test_a_map_is_drawn_in_the_background_kept_and_drawn_anew_after_a_change(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, drawn = AtlasKeeper(), []
    monkeypatch.setattr(keepers, "make", lambda index, told: drawn.append(1) or make(index, told))
    assert keeper.atlas(index) == Drawing()
    first = finished(keeper, index)
    assert finished(keeper, index) is first
    # Another process, or the next start, reads what was kept.
    assert finished(AtlasKeeper(), index) == first
    assert drawn == [1]
    index.delete([first.ids[0]])
    assert len(finished(keeper, index)) == len(first) - 1
    assert drawn == [1, 1]


@pytest.mark.parametrize("spoilt", ["", "{", '{"key": 1}', '{"key": "KEY", "map": {"total": 3, "ids": ["a"]}}'])
def test_a_damaged_file_is_drawn_again(index: Index, spoilt: str) -> None:
    first = finished(AtlasKeeper(), index)
    path = index.folder / keepers.FILE
    path.write_text(spoilt.replace("KEY", json.loads(path.read_text())["key"]))
    assert finished(AtlasKeeper(), index) == first


def test_a_folder_that_may_not_be_written_still_shows_the_map(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.folder = index.folder / "missing"
    assert len(finished(AtlasKeeper(), index)) == 36


def test_a_failure_is_told_once_and_then_tried_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(index: Index, told: object) -> Atlas:
        raise PaperIndexError("The vectors cannot be read. Check the disk.")

    keeper = AtlasKeeper()
    with monkeypatch.context() as patch:
        patch.setattr(keepers, "make", fails)
        with pytest.raises(PaperchatError, match="vectors cannot be read"):
            finished(keeper, index)
    assert len(finished(keeper, index)) == 36


def test_years_are_shared_out_into_a_few_ranges() -> None:
    dates = [str(year) for year in range(1990, 2020) for _ in range(1 + 10 * (year > 2012))]
    ranges, which = periods([*dates, "", "n.d."])
    assert len(ranges) == 6
    assert (ranges[0][0], ranges[-1][1]) == ("1990", "2019")
    sizes = [which.count(place) for place in range(6)]
    assert max(sizes) <= 2 * min(sizes)
    assert which[-2:] == [-1, -1]
    assert periods(["2024", "2025-03"]) == ([("2024", "2024"), ("2025", "2025")], [0, 1])
    assert periods([]) == ([], [])


def test_what_is_drawn_is_there_for_eyes_ears_and_the_keyboard(drawn: Atlas) -> None:
    html = markup.view(drawn)
    for by in markup.WAYS:
        groups = markup.groups(drawn, by)
        assert sum(html.count(f'data-by="{by}" data-group="{number}"') for number in range(len(groups))) == len(groups)
        assert sum(len(group.places) for group in groups) == len(drawn)
    assert html.count("M") >= 2 * len(drawn)  # a dot for each paper and way to colour
    assert 'role="img" aria-label="Map of 36 papers in' in html
    data = json.loads(unescape(html.split('data-papers="')[1].split('"')[0]))
    assert data["titles"][0] == drawn.titles[0]
    group = markup.groups(drawn, "topic")[0]
    listed = markup.listing(drawn, markup.by_nearness(drawn, group), group.name)
    assert listed.count('data-do="map-paper"') == len(group.places)


def test_names_of_topics_do_not_lie_on_each_other(drawn: Atlas) -> None:
    stacked = Atlas(
        90, *(("x",) * 90,) * 4, across=(500,) * 90, down=(500,) * 90, topic=tuple(n % 8 for n in range(90)),
        topics=tuple((f"topic {n}", "of things") for n in range(8)),
    )  # fmt: skip
    html = markup.view(stacked)
    tops = [float(part.split("%")[0]) for part in html.split("top:")[1:]]
    assert len(tops) == 8
    assert min(abs(a - b) for place, a in enumerate(tops) for b in tops[:place]) > 3
