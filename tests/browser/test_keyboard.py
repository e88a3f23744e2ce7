"""The whole page without a mouse: everything can be reached, done, and seen to have the focus."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.fake_engine import FakeEngine
from tests.browser.page import Page
from ui import texts
from ui.preferences import Preferences, PreferenceStore
from ui.userdata import LOCAL, Database

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

QUESTION = "What does MInference speed up?"
# Whether an outline, or for the question box the frame around it, shows where the focus is.
VISIBLE = """
const node = document.activeElement, style = getComputedStyle(node);
if (node.closest('#pc-box')) return getComputedStyle(document.querySelector('#pc-ask')).borderColor !== arguments[0];
const shown = node.getBoundingClientRect();
return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 && shown.width > 0 && node.checkVisibility();
"""


class Keyboard:
    """Keys, and nothing else, sent to whatever has the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.js("document.activeElement.blur()")
        self._calm = page.js("return getComputedStyle(document.querySelector('#pc-ask')).borderColor")
        page.one("body").send_keys("/")

    def press(self, *keys: str) -> None:
        ActionChains(self.page.driver, duration=0).send_keys(*keys).perform()

    def chord(self, modifier: str, key: str) -> None:
        ActionChains(self.page.driver, duration=0).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def has(self, selector: str) -> bool:
        return bool(self.page.js("return document.activeElement.matches(arguments[0])", selector))

    def to(self, selector: str, *, back: bool = False, steps: int = 60) -> None:
        """With Tab, and at every stop one sees where one is."""
        for _ in range(steps):
            if back:
                self.chord(Keys.SHIFT, Keys.TAB)
            else:
                self.press(Keys.TAB)
            here = self.page.js("return document.activeElement.outerHTML.slice(0, 120)")
            assert self.page.js(VISIBLE, self._calm), f"no visible focus on {here}"
            if self.has(selector):
                return
        pytest.fail(f"{selector} cannot be reached; the last was {here}")

    def until(self, selector: str) -> None:
        self.page.until(lambda: self.has(selector), f"the focus on {selector}")


@pytest.fixture
def keys(page: Page) -> Keyboard:
    return Keyboard(page)


def test_a_day_without_a_mouse(page: Page, engine: FakeEngine, kept: Database, keys: Keyboard) -> None:
    engine.word_seconds = 0.01
    asking(page, engine, keys)
    sources(page, keys)
    conversations(page, keys)
    collection(page, keys)
    settings(page, keys, kept)


def asking(page: Page, engine: FakeEngine, keys: Keyboard) -> None:
    assert keys.has("#pc-box textarea")
    keys.press("Tell me")
    keys.chord(Keys.SHIFT, Keys.ENTER)
    keys.press("everything")
    assert page.js("return document.activeElement.value") == "Tell me\neverything"
    keys.chord(Keys.CONTROL, "a")
    engine.word_seconds = 0.05
    keys.press("Tell me everything", Keys.ENTER)
    page.until(lambda: engine.words > 5)
    keys.press(Keys.ESCAPE)
    assert texts.STOPPED in page.wait_for_answer()
    engine.word_seconds = 0.01
    assert keys.has("#pc-box textarea")
    keys.press(QUESTION, Keys.ENTER)
    page.until(lambda: len(page.all("#pc-chat .pc-answer")) == 2)
    page.wait_for_answer()
    assert keys.has("#pc-box textarea")


def sources(page: Page, keys: Keyboard) -> None:
    # Backwards from the box: the suggestions, why, the tools, and the chips of the newest answer.
    keys.to(".pc-why summary", back=True)
    keys.press(Keys.ENTER)
    page.until(lambda: page.shown(".pc-ranks"))
    keys.to('.pc-cite[data-turn="1"][data-from]', back=True)
    page.js("window.left = document.activeElement")
    keys.press(Keys.ENTER)
    keys.until("#pc-cards mark.pc-strong")
    assert page.js(VISIBLE, "")
    keys.press(Keys.ESCAPE)
    page.until(lambda: page.js("return document.activeElement === window.left"))
    # A question from below the answer; then the box is the place to go on.
    keys.to(".pc-next-one")
    keys.press(Keys.ENTER)
    page.until(lambda: len(page.all("#pc-chat .pc-answer")) == 3)
    page.wait_for_answer()
    page.js("document.activeElement.blur()")
    keys.press("/")
    keys.until("#pc-box textarea")


def conversations(page: Page, keys: Keyboard) -> None:
    keys.to(".pc-new", back=True)
    keys.press(Keys.ENTER)
    page.until(lambda: not page.all("#pc-chat .pc-answer"))
    keys.until("#pc-box textarea")
    keys.press(QUESTION, Keys.ENTER)
    page.until(lambda: len(page.conversations()) == 2)
    page.wait_for_answer()

    # The older one, from the list, which is drawn anew: one is still on it.
    keys.to(".pc-open:not([aria-current])", back=True)
    keys.press(Keys.ENTER)
    page.until(lambda: len(page.all("#pc-chat .pc-answer")) == 3)
    keys.until(".pc-open[aria-current]")
    keys.to("[data-do=rename]")
    keys.press(Keys.ENTER)
    keys.until("input.pc-rename")
    keys.chord(Keys.CONTROL, "a")
    keys.press("Everything", Keys.ENTER)
    page.until(lambda: "Everything" in page.conversations())
    keys.until(".pc-open[aria-current]")

    # Deleting asks first; Escape keeps it.
    keys.to("[data-do=delete]")
    keys.press(Keys.ENTER)
    page.until(lambda: page.shown("#pc-dialog"))
    keys.press(Keys.ESCAPE)
    keys.until("[data-do=delete]")
    keys.press(Keys.ENTER)
    page.until(lambda: page.shown("#pc-dialog"))
    keys.to('#pc-dialog button[value="yes"]', steps=3)
    keys.press(Keys.ENTER)
    page.until(lambda: page.conversations() == [QUESTION])
    keys.until(".pc-new")


def collection(page: Page, keys: Keyboard) -> None:
    keys.to('.pc-page[data-page="papers"]', back=True)
    keys.press(Keys.ENTER)
    page.until(lambda: page.all(".pc-papers-table tbody tr"))
    keys.to("#pc-shelf-find")
    keys.press("shelf icml")
    page.until(lambda: "of 60" in page.text(".pc-pager"))
    drawn_anew: list[tuple[str, Callable[[], object]]] = [
        ('.pc-year[data-year="2020"]', lambda: page.all('.pc-year[data-year="2020"][aria-pressed="true"]')),
        ('[data-sort="title"]', lambda: page.all('th[aria-sort="ascending"] [data-sort="title"]')),
    ]
    for selector, done in drawn_anew:
        keys.to(selector)
        keys.press(Keys.ENTER)
        page.until(done)
        keys.until(selector)
    keys.to(".pc-papers-table summary")
    keys.press(Keys.ENTER)
    keys.to(".pc-papers-table .pc-tool")
    keys.press(Keys.ENTER)
    page.until(lambda: "on the shelf” find?" in page.text("#pc-chat .user-row"))
    page.wait_for_answer()
    keys.until("#pc-box textarea")


def settings(page: Page, keys: Keyboard, kept: Database) -> None:
    keys.to('.pc-page[data-page="settings"]', back=True)
    keys.press(Keys.ENTER)
    keys.to("#pc-set-k input[type=range]")
    keys.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    keys.to("#pc-set-support input")
    keys.press(Keys.ARROW_RIGHT)
    keys.to("#pc-set-quotes input")
    keys.press(Keys.SPACE)
    page.until(lambda: page.text("#pc-set-saved .pc-note-line") == texts.KEPT)
    wished = Preferences(k=2, support="strict", quotes_only=True)
    page.until(lambda: PreferenceStore(kept).get(LOCAL) == wished, f"{wished}")
