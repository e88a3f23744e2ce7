"""What can be done with an answer: copy, ask differently, rate, and ask on. Pure functions, as in `ui.render`."""

from __future__ import annotations

from html import escape

from rag.types import Answer
from ui import texts, transcript
from ui.followups import follow_ups

# A thumb up; turned round by the style sheet for the other.
_ICON = (
    '<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 9h3v8H3z M6 9l4-6c1.6 0 2.2 1.2 1.8 2.6L11 8h4.6'
    'c1 0 1.7 1 1.4 2l-1.6 5.6c-.2.8-.9 1.4-1.8 1.4H6"></path></svg>'
)


def toolbar(answer: Answer | None, turn: int, thumb: int = 0, comment: str = "") -> str:
    """The buttons below an answer. What `Copy` takes lies hidden beside it, so that it needs no server."""
    buttons = _button("edit", turn, texts.EDIT)
    if answer is not None:
        copy = escape(transcript.answer_markdown(answer))
        buttons = (
            f'{_button("copy", turn, texts.COPY)}<span class="pc-copied" hidden>{copy}</span>{buttons}'
            f"{_thumb(turn, 1, thumb)}{_thumb(turn, -1, thumb)}"
        )
    return (
        f'<div class="pc-tools" role="group" aria-label="{escape(texts.TOOLS)}">{buttons}</div>'
        f"{_comment(turn, thumb, comment) if answer is not None else ''}"
    )


def next_questions(answer: Answer) -> str:
    """Buttons that ask on; the page shows those of the last answer only."""
    buttons = "".join(
        f'<button type="button" class="pc-next-one" data-do="ask">{escape(question)}</button>'
        for question in follow_ups(answer)
    )
    return f'<div class="pc-next" role="group" aria-label="{escape(texts.NEXT)}">{buttons}</div>' if buttons else ""


def _button(action: str, turn: int, words: str) -> str:
    return f'<button type="button" class="pc-tool" data-do="{action}" data-turn="{turn}">{escape(words)}</button>'


def _thumb(turn: int, value: int, chosen: int) -> str:
    words = texts.THUMBS[value]
    return (
        f'<button type="button" class="pc-tool pc-thumb" data-do="rate" data-turn="{turn}" data-thumb="{value}" '
        f'aria-pressed="{"true" if chosen == value else "false"}" aria-label="{escape(words)}" '
        f'title="{escape(words)}">{_ICON}</button>'
    )


def _comment(turn: int, thumb: int, comment: str) -> str:
    hidden = "" if thumb or comment else " hidden"
    return (
        f'<form class="pc-comment" data-do="comment" data-turn="{turn}"{hidden}>'
        f'<label><span>{escape(texts.COMMENT)}</span> <input type="text" name="comment" maxlength="4000" '
        f'autocomplete="off" value="{escape(comment)}"></label> <button type="submit">{escape(texts.SAVE)}</button>'
        f'<span class="pc-saved" role="status"></span></form>'
    )
