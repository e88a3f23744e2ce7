"""A growing answer on its way to the page: what arrives is what was rendered, and little is sent for a word."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.types import Checked, Draft, Retrieved
from tests.browser.fake_engine import FIRST, SECOND, context_for
from tests.letters import carried_out
from ui import render
from ui.page.live import Run, changes

# Letters that UTF-16 writes as two, and such as differ only in one half of these.
texts = st.text(alphabet="ab𝛼𝛽<>\n\u2028", max_size=30)
pieces = st.lists(texts, max_size=4)


@given(pieces, pieces)
def test_changes_turn_the_old_pieces_into_the_new(old: list[str], more: list[str]) -> None:
    new = [*(text[:2] + text[3:] for text in old), *more]
    letters = "".join(json.dumps(changes(*pair)) + "\n" for pair in (([], old), (old, new)))
    assert "".join(carried_out(letters)) == "".join(new)


@given(texts, texts, texts)
def test_only_what_differs_is_in_a_change(start: str, middle: str, end: str) -> None:
    for _, _, _, words in changes([start + end], [start + middle + end]):
        assert len(words) <= len(middle)


def followed(*steps: render.Writing) -> list[str]:
    """The texts that are sent while an answer goes through these steps."""

    async def follow() -> list[str]:
        run, sent = Run("What does MInference speed up?", 3), []
        letters = run.letters()
        for step in steps:
            run.tell(step)
            sent.append(await anext(letters))
        run.end()
        return [*sent, *[text async for text in letters]]

    return asyncio.run(follow())


def steps() -> list[render.Writing]:
    question = "What does MInference speed up?"
    context = context_for(question)
    events = [
        Retrieved(question, tuple(passage.passage for passage in context.passages), context),
        Draft("MInference"),
        Draft("MInference speeds"),
        Checked(FIRST, shown=True),
        Draft("It"),
        Checked(SECOND, shown=True),
    ]
    states = [render.Writing(question)]
    for event in events:
        states.append(states[-1].after(event))
    return states


def test_what_arrives_is_what_was_rendered() -> None:
    states = steps()
    sent = followed(*states)
    for state, letters in zip(states, sent, strict=False):
        answer, *sources = carried_out(letters)
        assert answer == render.writing(state, 3)
        assert "".join(sources) == render.writing_sources(state, 3)


def test_a_text_only_grows_and_a_word_costs_little() -> None:
    sent = followed(*steps())
    assert all(later.startswith(earlier) for earlier, later in pairwise(sent[:-1]))
    assert sent[-1] == ""  # the last is sent twice, and kept
    assert len(sent[3]) - len(sent[2]) < 50
    # A sentence tells what is new in the answer and on its card, and not the abstracts again.
    assert len(sent[6]) - len(sent[5]) < len(render.writing_sources(steps()[-1], 3)) / 3


def test_whoever_comes_late_is_told_everything() -> None:
    async def late() -> str:
        run = Run("What does MInference speed up?", 3)
        for state in steps():
            run.tell(state)
        return await anext(run.letters())

    assert carried_out(asyncio.run(late()))[0] == render.writing(steps()[-1], 3)


def test_ending_stops_the_computation_and_the_letters() -> None:
    assert followed() == [""]
    run = Run("What?", 0)
    run.end()
    assert run.cancel.is_set()
