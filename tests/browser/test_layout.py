"""Nothing moves while an answer is written, and the page fits every screen from a small phone to 4K."""

from __future__ import annotations

import pytest

from tests.browser.fake_engine import FakeEngine
from tests.browser.page import Page
from ui import texts

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

# In all, of shifts that the reader did not cause. A page that jumps has 0.1 and more; here only the caret moves on.
MOST_SHIFT = 0.005
# Each shift, and every place in its answer at which the first checked sentence was seen.
WATCH = """
const turn = arguments[0];
window.shifts = [];
window.places = new Set();
window.observer = new PerformanceObserver(list => list.getEntries().forEach(entry => {
  const what = entry.sources.map(source => source.node?.outerHTML?.slice(0, 100) ?? source.node?.textContent);
  if (!entry.hadRecentInput) shifts.push([entry.value, String(what)]);
}));
observer.observe({type: 'layout-shift'});
const look = () => {
  const answer = document.querySelector(`#pc-chat .pc-answer[data-turn="${turn}"]`), first = answer?.querySelector('.pc-s');
  if (first) places.add(Math.round(first.getBoundingClientRect().top - answer.getBoundingClientRect().top));
  window.looking = requestAnimationFrame(look);
};
look();
"""
SEEN = "cancelAnimationFrame(looking); observer.disconnect(); return [[...places], shifts]"

SIZES = ((360, 640), (390, 844), (768, 1024), (901, 700), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
# Share of the window's width that the page takes, and the characters in a line of an answer.
WIDTH = "return document.querySelector('main.contain').getBoundingClientRect().width / innerWidth"
LINE = """
const text = document.querySelector('#pc-chat .pc-text'), style = getComputedStyle(text);
const pen = document.createElement('canvas').getContext('2d');
pen.font = style.font;
return text.getBoundingClientRect().width / pen.measureText('0').width;
"""


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_while_an_answer_is_written(page: Page, engine: FakeEngine, width: int) -> None:
    page.resize(width, 800)
    engine.word_seconds = 0.01
    questions = ("What does MInference speed up?", "What is fast since 2024 at NeurIPS?", "Quote something")
    for turn, question in enumerate(questions):
        page.js(WATCH, turn)
        page.ask(question)
        page.settle()
        steady(page)
    # Long, with twenty citations, and longer than the window.
    page.js(WATCH, len(questions))
    page.ask("Tell me everything", wait=False)
    page.until(lambda: page.js("return document.querySelectorAll('.pc-cite').length") >= 24, "twenty citations")
    page.js("document.querySelector('#pc-stop').click()")
    page.wait_for_answer()
    steady(page)


def steady(page: Page) -> None:
    places, shifts = page.js(SEEN)
    assert len(places) == 1, places
    assert sum(value for value, _ in shifts) < MOST_SHIFT, shifts


def test_every_screen_from_a_small_phone_to_4k(page: Page, engine: FakeEngine) -> None:
    page.prefer("light", calm=True)
    engine.word_seconds = 0.003
    page.ask("What does MInference speed up?")
    page.one(".pc-why summary").click()
    for size in SIZES:
        page.resize(*size)
        for name, _ in texts.PAGES:
            page.show(name)
            page.settle()
            assert page.overflow() <= 0, (size, name)
        page.show("ask")
        box = page.js("return document.querySelector('#pc-ask').getBoundingClientRect().toJSON()")
        assert 0 < box["top"] < box["bottom"] <= size[1], size  # the question box is never out of sight
        assert page.js(WIDTH) > 0.6, size
        assert 25 < page.js(LINE) < 90, size
