"""How often a client may come: a bucket of tokens for each, filled steadily."""

from __future__ import annotations

import time
from collections import OrderedDict

# Older ones are forgotten: their buckets have long been full again.
CLIENTS = 10_000


class Rates:
    """At most `per_minute` counts a client and minute, and as many at once; 0 allows any number."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Is there anything left for this client?"""
        return not self._per_minute or self._left(client) >= 1

    def count(self, client: str) -> None:
        """Takes one away."""
        if not self._per_minute:
            return
        self._buckets[client] = (self._left(client) - 1, time.monotonic())
        self._buckets.move_to_end(client)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)

    def _left(self, client: str) -> float:
        left, since = self._buckets.get(client, (float(self._per_minute), time.monotonic()))
        return min(self._per_minute, left + (time.monotonic() - since) * self._per_minute / 60)
