"""Which passages a reader gets: Algorithm 1, orders, places."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from eval.experiments.contexts import (
    ORDERS,
    Trial,
    algorithm_1,
    generator,
    negatives,
    ordered,
    spread,
    with_gold_at,
)
from eval.experiments.items import Item, Passage
from eval.experiments.scoring import holds_answer

texts = st.lists(st.sampled_from(["Paris", "the Seine", "a tower", "LYON!", "paris."]), max_size=3).map(" ".join)
pools = st.lists(texts, min_size=1, max_size=30).map(
    lambda found: [Passage(f"p{place}", "", text) for place, text in enumerate(found)]
)


@given(pools, st.integers(1, 12), st.integers(0, 99), st.data())
def test_algorithm_1_gives_gold_once_and_no_passage_that_answers(
    pool: list[Passage], size: int, seed: int, data: st.DataObject
) -> None:
    gold = data.draw(st.sampled_from(pool))
    item = Item("q", "Where?", (gold,), answers=("Paris",))
    ranked = data.draw(st.permutations(pool)) + pool  # a retriever that returns a passage twice
    hardest = negatives(item, ranked, size - 1)
    context = algorithm_1(item, hardest, size, generator(seed, "q"))
    fair = {p.id for p in pool if "paris" not in p.text.lower() and p.id != gold.id}
    if len(fair) < size - 1:
        assert context is None
        return
    assert context is not None
    assert len(context) == size
    assert [p.id for p in context].count(gold.id) == 1
    assert len({p.id for p in context}) == size
    assert not any(holds_answer(p, item) for p in context if p.id != gold.id)
    assert {p.id for p in context} - {gold.id} <= fair
    first = [p.id for p in ranked if p.id in fair]
    assert {p.id for p in context} - {gold.id} == set(list(dict.fromkeys(first))[: size - 1])
    assert context == algorithm_1(item, hardest, size, generator(seed, "q"))


def test_the_gold_passage_lands_everywhere() -> None:
    gold, others = Passage("g", "", "gold"), [Passage(f"p{n}", "", f"text {n}") for n in range(4)]
    item = Item("q", "?", (gold,), answers=("gold",))
    contexts = [algorithm_1(item, others, 5, generator(0, n)) for n in range(60)]
    assert {context.index(gold) for context in contexts if context} == {0, 1, 2, 3, 4}


def test_related_and_other_gold_passages_are_no_negatives() -> None:
    passages = [Passage(f"p{n}", "", f"text {n}") for n in range(5)]
    item = Item("q", "?", (passages[0], passages[1]), label="supports", related=frozenset({"p2"}))
    assert [p.id for p in negatives(item, passages, 9)] == ["p3", "p4"]


def test_facts_count_as_answers_in_negatives() -> None:
    item = Item("q", "?", (Passage("g", "", ""),), facts=(("voxel", "volume pixel"),))
    pool = [
        Passage("a", "Voxels", "x"),
        Passage("b", "", "a volume"),
        Passage("c", "", "pixel"),
        Passage("d", "", "VOLUME  pixel!"),
    ]
    assert [p.id for p in negatives(item, pool, 3)] == ["b", "c"]


def test_the_orders_are_those_of_the_paper() -> None:
    ranked = [Passage(str(n), "", "") for n in range(1, 7)]
    told = {name: "".join(p.id for p in ordered(ranked, name, random.Random(0))) for name in ORDERS}
    assert told == {"score order": "123456", "the paper's order": "135642", "reversed": "654321"}
    mixed = [ordered(ranked, "shuffled", random.Random(seed)) for seed in range(5)]
    assert len({"".join(p.id for p in one) for one in mixed}) > 1
    assert all(sorted(p.id for p in one) == list("123456") for one in mixed)


@given(st.integers(2, 60), st.data())
def test_gold_stands_where_it_is_put_and_distractors_keep_their_order(size: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, size))
    distractors = [Passage(f"d{n}", "", "") for n in range(size - 1)]
    context = with_gold_at(Passage("gold", "", ""), distractors, place)
    assert context[place - 1].id == "gold"
    assert [p for p in context if p.id != "gold"] == distractors


@given(st.integers(1, 100))
def test_places_are_spread_from_the_first_to_the_last(size: int) -> None:
    places = spread(size)
    assert places[0] == 1
    assert places[-1] == size
    assert len(places) == min(5, size)
    assert places == sorted(set(places))


def test_places_are_those_of_lost_in_the_middle() -> None:
    assert spread(20) == [1, 5, 10, 15, 20]


def test_a_trial_of_another_context_is_another_trial() -> None:
    item = Item("q", "?", (Passage("g", "", ""),))
    a, b = Passage("a", "", ""), Passage("b", "", "")
    keys = {Trial(item, "s", 2, context).key for context in ((a, b), (b, a), (a,), ())}
    assert len(keys) == 4
