"""Intervals that cover, tests that do not cry wolf, and figures known from elsewhere."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from eval.stats import holm, interval, randomisation_test


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        low, high = interval(rng.beta(2, 3, 60), resamples=300)
        covered += low <= 0.4 <= high
    assert 0.90 <= covered / 300 <= 0.98


def test_the_interval_shrinks_with_the_root_of_the_queries() -> None:
    rng = np.random.default_rng(2)
    widths = [np.ptp(interval(rng.normal(size=n))) for n in (100, 10_000)]
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.35)


def test_the_interval_agrees_with_the_normal_approximation() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, 400)
    error = values.std(ddof=1) / np.sqrt(len(values))
    low, high = interval(values)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_the_same_values_give_the_same_figures() -> None:
    values = np.random.default_rng(4).random(50)
    assert interval(values) == interval(list(values))
    assert randomisation_test(values, values[::-1]) == randomisation_test(values, values[::-1])


def test_values_that_do_not_differ_have_no_width() -> None:
    assert interval([0.25]) == (0.25, 0.25)
    assert interval([1.0] * 10) == (1.0, 1.0)
    with pytest.raises(ValueError, match="at least one"):
        interval([])


def test_the_test_is_symmetric() -> None:
    rng = np.random.default_rng(5)
    for n in (5, 40):
        a, b = rng.random(n), rng.random(n)
        assert randomisation_test(a, b) == randomisation_test(b, a)


def test_few_queries_are_tested_exactly() -> None:
    differences = np.array([0.3, 0.1, -0.05, 0.2, 0.15])
    totals = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=5)]
    expected = np.mean([total >= abs(differences.sum()) - 1e-12 for total in totals])
    assert randomisation_test(differences, np.zeros(5)) == pytest.approx(expected)
    # Five wins of one size: only all plus and all minus are as extreme.
    assert randomisation_test([1, 1, 1, 1, 1, 0.5], [0, 0, 0, 0, 0, 0.5]) == 2 / 32


def test_many_queries_approach_the_exact_figure() -> None:
    # Twenty differences of one size, fifteen of them wins: a sign test, two-sided binomial p = 0.0414.
    a = np.array([1.0] * 15 + [0.0] * 5)
    assert randomisation_test(a, 1 - a) == pytest.approx(0.0414, abs=0.006)


def test_equal_systems_are_not_told_apart_and_p_is_never_zero() -> None:
    values = np.random.default_rng(6).random(30)
    assert randomisation_test(values, values) == 1.0
    assert randomisation_test(values + 1, values) == pytest.approx(1 / 10_001)


def test_under_the_null_p_is_uniform() -> None:
    rng = np.random.default_rng(7)
    small = [randomisation_test(*rng.normal(size=(2, 30)), permutations=500) < 0.1 for _ in range(300)]
    assert 0.05 <= np.mean(small) <= 0.15


def test_a_paired_test_needs_pairs() -> None:
    with pytest.raises(ValueError, match="pairs"):
        randomisation_test([1.0], [1.0, 2.0])


def test_holm_as_in_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
