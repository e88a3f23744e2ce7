"""Ranges of years, about as many papers in each, so that time can be shown in a few colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MOST = 6


def periods(dates: Sequence[str], most: int = MOST) -> tuple[list[tuple[str, str]], list[int]]:
    """The ranges, oldest first, and which of them each date lies in.

    Args:
        dates: ISO dates of any exactness, or empty.
        most: Ranges wanted at most.

    Returns:
        First and last year of each range; the place of each date's range, -1 for one without a year.
    """
    years = [date[:4] if date[:4].isdecimal() else "" for date in dates]
    counts = sorted(Counter(year for year in years if year).items())
    ranges: list[tuple[str, str]] = []
    filled, left = 0, sum(papers for _, papers in counts)
    for year, papers in counts:
        # A range ends where another year would take it further from its share than it is now.
        share = left / max(1, most - len(ranges) + 1) if ranges else 0
        if ranges and (len(ranges) == most or (len(counts) > most and filled + papers / 2 < share)):
            ranges[-1] = ranges[-1][0], year
            filled += papers
        else:
            left -= filled
            ranges.append((year, year))
            filled = papers
    of_year = {y: place for place, (first, last) in enumerate(ranges) for y, _ in counts if first <= y <= last}
    return ranges, [of_year.get(year, -1) for year in years]
