"""Why an answer is as it is: what was searched for, what was found and how it ranked, and how long it took."""

from __future__ import annotations

import json
from html import escape

from rag.filters import Filters
from rag.types import Answer, ScoredPassage
from ui import cards, texts

SHOWN = 30


def panel(answer: Answer, turn: int) -> str:
    """The collapsible panel below an answer."""
    return (
        f'<details class="pc-why"><summary>{escape(texts.WHY)}</summary>'
        f"{_facts(answer)}{_table(answer)}{_look_up(turn, answer.standalone_question)}</details>"
    )


def filters(answer: Answer, turn: int) -> str:
    """What the question was narrowed to, as chips that ask again without."""
    chips = "".join(_filter(part, words, turn) for part, words in answer.filters.parts())
    return f'<p class="pc-filters">{escape(texts.FILTERED)} {chips}</p>' if chips else ""


def _filter(part: Filters, words: str, turn: int) -> str:
    without = escape(texts.without_filter(words))
    return (
        f'<button type="button" class="pc-filter" data-do="unfilter" data-turn="{turn}" '
        f'data-part="{escape(json.dumps(part.to_dict()))}" aria-label="{without}" title="{without}">{escape(words)} '
        '<span aria-hidden="true">×</span></button>'
    )


def _facts(answer: Answer) -> str:
    times = answer.timings
    first = texts.seconds(times.first_token_ms) if times.first_token_ms is not None else ""
    facts = (
        (texts.SEARCHED_FOR, answer.standalone_question),
        (texts.TIMES, texts.timings(texts.seconds(times.retrieve_ms), first, texts.seconds(times.total_ms))),
        (texts.TOKENS, texts.tokens(times.prompt_tokens, times.new_tokens) if times.prompt_tokens else ""),
        (texts.MODEL, answer.model),
        (texts.INDEX, f"{answer.index.version}"),
    )
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    return f'<dl class="pc-facts-list">{rows}</dl>'


def _table(answer: Answer) -> str:
    if not answer.retrieved:
        return ""
    numbers = {passage.paper.id: passage for passage in answer.context.passages}
    cited = {passage.paper.id for passage in answer.cited}
    rows = "".join(
        _row(
            passage,
            numbers[passage.paper.id].number if passage.paper.id in numbers else None,
            passage.paper.id in cited,
        )
        for passage in answer.retrieved[:SHOWN]
    )
    rest = len(answer.retrieved) - SHOWN
    more = f'<p class="pc-more">{escape(texts.and_more(rest))}</p>' if rest > 0 else ""
    head = "".join(f'<th scope="col" title="{escape(why)}">{escape(name)}</th>' for name, why in texts.WHY_COLUMNS)
    return (
        f'<div class="pc-scroll" tabindex="0" role="group" aria-label="{escape(texts.RETRIEVED)}">'
        f'<table class="pc-ranks"><caption>{escape(texts.RETRIEVED)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )


def _row(passage: ScoredPassage, number: int | None, cited: bool) -> str:
    ranks = (passage.rank, passage.dense_rank, passage.lexical_rank)
    cells = "".join(f"<td>{texts.RANK_ABSENT if rank is None else rank}</td>" for rank in ranks)
    used = f"{texts.READ_AS} [{number}]" if number is not None else texts.NOT_READ
    state = f"{texts.CITED}, {used}" if cited else used
    return (
        f"<tr{' class=pc-row-cited' if cited else ''}>{cells}<td>{cards.title(passage.paper)} "
        f"{cards.when(passage.paper)}</td><td>{escape(state)}</td></tr>"
    )


def _look_up(turn: int, question: str) -> str:
    label = escape(texts.WHY_NOT)
    return (
        f'<form class="pc-why-not" data-do="explain" data-turn="{turn}" '
        f'data-question="{escape(question)}"><label>{label} '
        f'<input type="text" name="paper" maxlength="300" autocomplete="off" '
        f'placeholder="{escape(texts.WHY_NOT_HINT)}"></label> '
        f'<button type="submit">{escape(texts.WHY_NOT_LOOK)}</button>'
        f'<div class="pc-explained" role="status"></div></form>'
    )
