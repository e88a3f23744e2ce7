"""Citation recall and precision are ALCE's, whatever the answer looks like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from eval.alce import Checker, Cited, Statement, citation_scores
from rag.support import SupportChecker
from tests.fakes import FakeEmbedder

Facts = dict[frozenset[str], set[str]]
PASSAGES = {number: Cited(f"T{number}", f"p{number}") for number in range(1, 6)}


class Table:
    """phi looked up: which sets of passages carry which statements."""

    def __init__(self, carried: Facts) -> None:
        self.carried = carried
        self.asked: list[frozenset[str]] = []

    def __call__(self, passages: Sequence[Cited], statement: str) -> bool:
        texts = frozenset(passage.text for passage in passages)
        self.asked.append(texts)
        return statement in self.carried.get(texts, set())


def facts(*pairs: tuple[str, str]) -> Table:
    """Each pair: passages, as "p1 p2", and the statement they carry together."""
    carried: Facts = {}
    for passages, statement in pairs:
        carried.setdefault(frozenset(passages.split()), set()).add(statement)
    return Table(carried)


def scored(statements: list[tuple[str, tuple[int, ...]]], table: Table) -> tuple[float, float]:
    found = citation_scores([Statement(text, numbers) for text, numbers in statements], PASSAGES, table)
    assert found is not None
    return found.recall, found.precision


def test_a_statement_its_one_citation_carries() -> None:
    assert scored([("a", (1,))], facts(("p1", "a"))) == (1.0, 1.0)


def test_a_statement_nobody_carries_has_no_recall_and_its_citations_count() -> None:
    assert scored([("a", (1,)), ("b", (2, 3))], facts(("p1", "a"))) == (0.5, 1 / 3)


def test_a_statement_without_citation_has_no_recall_and_costs_no_precision() -> None:
    assert scored([("a", (1,)), ("b", ())], facts(("p1", "a"))) == (0.5, 1.0)


def test_an_answer_without_any_citation_has_neither() -> None:
    assert scored([("a", ()), ("b", ())], facts(("p1", "a"))) == (0.0, 0.0)


def test_two_that_carry_only_together_are_both_needed() -> None:
    assert scored([("a", (1, 2))], facts(("p1 p2", "a"))) == (1.0, 1.0)


def test_a_passage_that_carries_nothing_beside_one_that_does_is_irrelevant() -> None:
    assert scored([("a", (1, 2))], facts(("p1 p2", "a"), ("p1", "a"))) == (1.0, 0.5)


def test_two_that_each_carry_it_are_both_right() -> None:
    assert scored([("a", (1, 2))], facts(("p1 p2", "a"), ("p1", "a"), ("p2", "a"))) == (1.0, 1.0)


def test_a_number_nobody_handed_out_costs_recall_but_counts_as_no_citation() -> None:
    assert scored([("a", (1,)), ("b", (2, 9))], facts(("p1", "a"), ("p2", "b"))) == (0.5, 1.0)


def test_three_citations_of_a_statement_are_looked_at() -> None:
    table = facts(("p1 p2 p3", "a"), ("p1", "a"), ("p2", "a"), ("p3", "a"))
    assert scored([("a", (1, 2, 3, 4))], table) == (1.0, 1.0)
    assert all("p4" not in texts for texts in table.asked)


def test_an_answer_without_a_statement_has_no_score() -> None:
    assert citation_scores([], PASSAGES, facts()) is None


def by_the_letter(statements: list[tuple[str, tuple[int, ...]]], table: Table) -> tuple[float, float]:
    """ALCE's procedure, written down a second time from the paper's section 4.3 and its released evaluation."""
    recalled = precise = total = 0
    for text, numbers in statements:
        if not numbers or max(numbers) > len(PASSAGES):
            continue
        texts = [f"p{number}" for number in numbers][:3]
        total += len(texts)
        if text not in table.carried.get(frozenset(texts), set()):
            continue
        recalled += 1
        if len(texts) == 1:
            precise += 1
            continue
        for text_of in texts:
            alone = text in table.carried.get(frozenset([text_of]), set())
            rest = text in table.carried.get(frozenset(texts) - {text_of}, set())
            precise += alone or not rest
    return recalled / len(statements), precise / total if total else 0.0


def test_random_answers_score_as_alces_own_procedure_scores_them() -> None:
    rng = np.random.default_rng(7)
    for _ in range(400):
        carried: Facts = {}
        for bits in range(1, 32):
            texts = frozenset(f"p{n + 1}" for n in range(5) if bits >> n & 1)
            carried[texts] = {s for s in "abc" if rng.random() < 0.4}
        statements = [
            (str(rng.choice(list("abc"))), tuple(int(n) for n in rng.permutation(6)[: rng.integers(0, 5)] + 1))
            for _ in range(rng.integers(1, 5))
        ]
        assert scored(statements, Table(carried)) == pytest.approx(by_the_letter(statements, Table(carried)))


# --- the support checker in the place of the NLI model -----------------------------------------------


def checker() -> Checker:
    return Checker(SupportChecker(FakeEmbedder()))


METHOD = Cited("SPARTA: sparse training", "We prune weights during training. Training takes 30% less time on a GPU.")
OTHER = Cited("Corals", "Corals bleach when water warms.")


def test_a_sentence_is_carried_by_the_abstract_it_stands_in_and_by_no_other() -> None:
    assert checker()([METHOD], "Training takes 30% less time on a GPU.")
    assert checker()([OTHER, METHOD], "Training takes 30% less time on a GPU.")
    assert not checker()([OTHER], "Training takes 30% less time on a GPU.")


def test_a_wrong_number_is_not_carried() -> None:
    assert not checker()([METHOD], "Training takes 40% less time on a GPU.")
    assert not checker()([METHOD], "Training takes 30 less time on a GPU.")


def test_a_short_sentence_is_carried_where_it_stands_whole_and_not_as_a_part() -> None:
    short = Cited("Title", "Background: none. It works well. Results follow.")
    assert checker()([short], "It works well.")
    assert not checker()([short], "It works.")
    assert not checker()([Cited("Title", "There is no proof that it works well.")], "It works well.")


def test_nothing_is_carried_by_an_empty_passage() -> None:
    assert not checker()([Cited("", "")], "Training takes 30% less time on a GPU.")
