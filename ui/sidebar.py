"""The list of conversations. Pure functions, as in `ui.render`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from ui import texts
from ui.conversations import Summary

DAY = 86_400.0


def frame() -> str:
    """What never changes: the button for a new conversation, the search field."""
    return (
        f'<div class="pc-side-head"><button type="button" class="pc-new" data-do="new">{escape(texts.NEW)}</button>'
        f'<input type="search" class="pc-find" id="pc-find" aria-label="{escape(texts.FIND)}" '
        f'placeholder="{escape(texts.FIND)}" autocomplete="off" maxlength="200"></div>'
    )


def listing(conversations: Sequence[Summary], current: str | None, now: float, search: str = "") -> str:
    """The conversations by age, each with what can be done with it."""
    if not conversations:
        words = texts.NOTHING_FOUND if search else texts.NO_CONVERSATIONS
        return f'<p class="pc-side-empty" role="status">{escape(words)}</p>'
    groups: dict[str, list[str]] = {}
    for item in conversations:
        groups.setdefault(age(item.updated, now), []).append(_item(item, item.id == current))
    return "".join(
        f'<h3 class="pc-age">{escape(name)}</h3><ul class="pc-conversations">{"".join(rows)}</ul>'
        for name, rows in groups.items()
    )


def switched_off() -> str:
    """Where the reader keeps no history."""
    return f'<p class="pc-side-empty">{escape(texts.HISTORY_OFF)}</p>'


def failed(message: str) -> str:
    """Where conversations cannot be read."""
    return f'<p class="pc-side-empty pc-error" role="alert">{escape(message)}</p>'


def age(then: float, now: float) -> str:
    """Today, yesterday, this week, or the month."""
    today = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    if then >= today:
        return texts.TODAY
    if then >= today - DAY:
        return texts.YESTERDAY
    if then >= today - 6 * DAY:
        return texts.THIS_WEEK
    day = datetime.fromtimestamp(then).astimezone()
    return f"{texts.MONTHS[day.month - 1]} {day.year}"


def _item(item: Summary, current: bool) -> str:
    title, key = escape(item.title), escape(item.id)
    here = ' aria-current="true"' if current else ""
    return (
        f'<li class="pc-item" data-id="{key}"><button type="button" class="pc-open" data-do="open" data-id="{key}"'
        f'{here} title="{title}">{title}</button>'
        f'<button type="button" class="pc-small" data-do="rename" data-id="{key}" '
        f'aria-label="{escape(texts.rename(item.title))}" title="{escape(texts.RENAME)}">'
        '<span aria-hidden="true">✎</span></button>'
        f'<button type="button" class="pc-small" data-do="delete" data-id="{key}" '
        f'data-ask="{escape(texts.DELETE_ASK)}" '
        f'aria-label="{escape(texts.delete(item.title))}" title="{escape(texts.DELETE)}">'
        '<span aria-hidden="true">×</span></button></li>'
    )
