"""While an answer is written, what the reader does with the page stays as it is."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Page
from tests.browser.fake_engine import FakeEngine
from ui import texts

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

LONG_QUESTION = "Tell me everything"
END = "const log = document.querySelector('#pc-chat [role=log]');"


def more_sentences(page: Page, number: int = 2) -> None:
    before = len(page.all(".pc-cite"))
    page.until(lambda: len(page.all(".pc-cite")) >= before + number, "more sentences")


def stop(page: Page) -> None:
    page.one("#pc-stop").click()
    page.wait_for_answer()


def test_an_unfolded_source_stays_unfolded_and_keeps_the_focus(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.02
    page.ask(LONG_QUESTION, wait=False)
    page.until(lambda: page.all("#pc-cards .pc-card"))
    page.js("document.querySelectorAll('#pc-cards summary')[1].focus()")
    page.js("document.activeElement.click()")
    more_sentences(page)
    assert page.js("return document.querySelectorAll('#pc-cards details')[1].open")
    assert page.js("return document.activeElement === document.querySelectorAll('#pc-cards summary')[1]")
    stop(page)


def test_text_marked_for_copying_stays_marked(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.02
    page.ask(LONG_QUESTION, wait=False)
    page.until(lambda: page.all("#pc-chat .pc-words"))
    page.js("getSelection().selectAllChildren(document.querySelector('#pc-chat .pc-words'))")
    marked = page.js("return getSelection().toString()")
    more_sentences(page)
    assert page.js("return getSelection().toString()") == marked != ""
    stop(page)


def test_the_conversation_follows_its_end_unless_the_reader_scrolled_up(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.005
    page.ask(LONG_QUESTION, wait=False)
    page.until(lambda: page.js(f"{END} return log.scrollTop > 200"), "following the end")
    page.js(f"{END} log.scrollTop = 0")
    more_sentences(page)
    assert page.js(f"{END} return log.scrollTop") == 0
    stop(page)


def test_a_name_being_typed_outlives_its_list(page: Page) -> None:
    page.ask("What does MInference speed up?")
    page.one(".pc-new").click()
    page.until(lambda: not page.all("#pc-chat .pc-answer"))
    page.ask("Quote something")
    older = page.one(".pc-item:not(:has([aria-current]))").get_attribute("data-id")
    page.js("document.querySelector(`.pc-item[data-id='${arguments[0]}'] [data-do=rename]`).click()", older)
    keyboard = ActionChains(page.driver)
    keyboard.send_keys("Faster").perform()
    page.js("paperchat.send('act', {do: 'find', text: 'MInference'})")
    page.until(lambda: len(page.all(".pc-item")) == 1, "the list drawn anew")
    page.until(lambda: page.js("return document.activeElement.matches('.pc-rename')"), "the field in the new list")
    keyboard.send_keys(" prompts", Keys.ENTER).perform()
    page.until(lambda: page.conversations() == ["Faster prompts"])
    # Naming a conversation does not open it.
    page.js("paperchat.send('act', {do: 'find', text: ''})")
    page.until(lambda: len(page.conversations()) == 2)
    assert page.text(".pc-open[aria-current]") == "Quote something"


def test_the_other_pages_are_made_when_somebody_goes_there(page: Page) -> None:
    assert not page.all("#pc-papers")
    page.show("papers")
    page.until(lambda: page.shown("#pc-shelf .pc-shelf"), "the papers")
    page.show("settings")
    page.until(lambda: page.shown("#pc-set-k"), "the settings")


def test_the_chosen_profile_is_still_chosen_after_a_reload(page: Page) -> None:
    fast = "#pc-set-profile input[value=fast]"
    page.show("settings")
    page.one(fast).click()
    page.until(lambda: texts.KEPT in page.text("#pc-set-saved"), "kept")
    page.open(page.driver.current_url)
    page.show("settings")
    page.until(lambda: page.checked(fast), "the choice")
