"""Journeys over the page with scripted answers: what a reader sees, clicks and reads aloud."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.fake_engine import FIRST, HOSTILE, SECOND, FakeEngine
from tests.browser.page import Page
from ui import texts

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

FIRST_QUESTION = "What does MInference speed up?"
LONG_QUESTION = "Tell me everything"


def strong(page: Page) -> str:
    return " ".join(str(mark.text) for mark in page.all("#pc-cards mark.pc-strong"))


def test_text_grows_and_the_draft_becomes_a_checked_sentence(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.08
    page.ask(FIRST_QUESTION, wait=False)
    page.until(lambda: page.text(".pc-draft"))
    drafts = {page.text(".pc-draft")}
    # In one step, as the draft is drawn anew for every word.
    page.until(lambda: page.js("return document.querySelector('.pc-draft')?.ariaLabel") == texts.BEING_CHECKED)
    assert page.js("return document.querySelector('#pc-chat .pc-answer').ariaBusy") == "true"
    page.until(lambda: drafts.add(page.text(".pc-draft")) or len(drafts) > 3)
    page.until(lambda: FIRST.text in page.text(".pc-words"))
    answer = page.wait_for_answer()
    assert not page.all(".pc-draft")
    assert FIRST.text in answer
    assert SECOND.text in answer
    assert "weakly supported" in answer
    assert "1 sentence withheld" in answer
    assert "halves the memory" not in answer
    assert page.one("#pc-chat .pc-answer").get_attribute("aria-busy") == "false"
    assert page.js("return document.activeElement.closest('#pc-box') !== null")
    assert page.one("#pc-box textarea").get_attribute("value") == ""


def test_withheld_sentences_can_be_seen_struck_through(page: Page) -> None:
    page.ask(FIRST_QUESTION)
    page.one(".pc-withheld summary").click()
    assert page.one(".pc-withheld s").text == "It also halves the memory."
    assert "not supported: no sentence says anything of memory" in page.one(".pc-withheld li").text


def test_a_chip_opens_its_source_at_the_evidence_of_its_sentence(page: Page) -> None:
    page.ask(FIRST_QUESTION)
    page.open_chip(page.all(".pc-cite")[1])
    assert strong(page).startswith("Evaluations show that MInference reduces")
    assert page.js("return document.activeElement.matches('mark.pc-strong')")
    page.settle()
    inside = "const r = document.activeElement.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight"
    assert page.js(inside)
    page.open_chip(page.all(".pc-cite")[0])
    assert strong(page).startswith("We introduce MInference")
    page.one(".pc-back").click()
    assert page.js("return document.activeElement === document.querySelector('.pc-cite')")


def test_an_open_source_stays_open_while_the_answer_goes_on(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.05
    page.ask(LONG_QUESTION, wait=False)
    page.until(lambda: page.all(".pc-cite"))
    page.open_chip(page.all(".pc-cite")[0])
    before = len(page.all(".pc-cite"))
    page.until(lambda: len(page.all(".pc-cite")) > before + 1)
    assert strong(page).startswith("We introduce MInference")
    page.one("#pc-stop").click()
    page.wait_for_answer()


def test_stop_ends_the_computation(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.05
    page.ask(LONG_QUESTION, wait=False)
    page.until(lambda: "2 ahead of you" in page.text("#pc-chat"))
    page.until(lambda: engine.words > 10)
    assert not page.shown("#pc-send")
    words = engine.words
    page.one("#pc-stop").click()
    assert engine.finished.wait(5)
    assert engine.cancelled.is_set()
    assert engine.words - words < 20  # A second of it, and most of that is the click.
    answer = page.wait_for_answer()
    assert "stopped" in answer
    assert "Sentence number 0" in answer
    assert not page.shown("#pc-stop")


def test_leaving_the_page_ends_the_computation(page: Page, engine: FakeEngine) -> None:
    engine.word_seconds = 0.05
    page.ask(LONG_QUESTION, wait=False)
    page.until(lambda: engine.words > 5)
    page.driver.get("about:blank")
    assert engine.finished.wait(10)
    assert engine.cancelled.is_set()
    page.console_errors()  # Gradio says in the console of the page that was left that its stream ended.


def test_ask_again_and_clear(page: Page, engine: FakeEngine) -> None:
    page.ask(FIRST_QUESTION)
    page.ask("Quote something")
    page.one("#pc-retry").click()
    page.until(lambda: len(engine.histories) == 3)
    page.wait_for_answer()
    assert len(page.all("#pc-chat .pc-answer")) == 2
    assert [len(history) for history in engine.histories] == [0, 1, 1]
    page.one("#pc-clear").click()
    page.until(lambda: not page.all("#pc-chat .pc-answer"))
    page.until(lambda: not page.all("#pc-cards .pc-card"))
    assert page.shown("#pc-chat .example")
    page.ask(FIRST_QUESTION)
    page.until(lambda: page.all("#pc-cards .pc-card"))
    assert engine.histories[-1] == []


def test_a_changed_question_replaces_it_and_what_came_after(page: Page, engine: FakeEngine) -> None:
    page.ask(FIRST_QUESTION)
    page.ask("And how much faster is it?")
    page.js("document.querySelector('.pc-tools [data-do=edit]').click()")
    page.until(lambda: page.text(".pc-editing"))
    box = page.one("#pc-box textarea")
    page.until(lambda: box.get_attribute("value") == FIRST_QUESTION)
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("Quote something", Keys.ENTER)
    page.until(lambda: page.text("#pc-chat .user-row").strip() == "Quote something")
    page.wait_for_answer()
    assert len(page.all("#pc-chat .pc-answer")) == 1
    assert engine.histories[-1] == []


def test_a_condition_is_taken_away_and_the_rest_stays(page: Page, engine: FakeEngine) -> None:
    page.ask("What is fast since 2024 at NeurIPS?")
    assert [chip.text.split("\n")[0] for chip in page.all(".pc-filter")] == ["since 2024 ×", "at NeurIPS ×"]
    page.all(".pc-filter")[0].click()
    page.until(lambda: len(engine.filters) > 1)
    page.wait_for_answer()
    assert engine.filters[-1].since is None
    assert engine.filters[-1].venues == ("NeurIPS",)
    page.until(lambda: len(page.all(".pc-filter")) == 1)


def test_two_readers_do_not_see_each_other(page: Page, engine: FakeEngine) -> None:
    page.ask(FIRST_QUESTION)
    address, first = page.driver.current_url.split("#")[0], page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        page.open(address)
        page.until(lambda: page.shown("#pc-chat .example"))
        page.ask("Quote something")
        assert engine.histories[-1] == []
        assert len(page.all("#pc-chat .pc-answer")) == 1
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)


def test_an_error_is_a_sentence_and_the_conversation_goes_on(page: Page) -> None:
    page.ask("Fail, please")
    assert page.text("#pc-chat .pc-failed .pc-error") == "The model stopped answering. Start paperchat again."
    page.ask(FIRST_QUESTION)
    assert FIRST.text in page.last_answer()


def test_a_question_asked_while_models_load_waits_for_them(page: Page, engine: FakeEngine) -> None:
    engine.loading_seconds = time.monotonic() - (engine._begun or 0) + 3
    page.open(page.driver.current_url)
    page.until(lambda: "Loading the language model…" in page.text("#pc-status"))
    page.ask(FIRST_QUESTION, wait=False)
    page.until(lambda: "Loading the language model…" in page.text("#pc-chat .pc-stage"))
    assert FIRST.text in page.wait_for_answer()
    page.until(lambda: "90 papers" in page.text("#pc-status"))


def test_a_bad_upload_says_what_to_do(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "notes.bad"
    bad.write_text("?")
    page.show("papers")
    page.one("#pc-add button").click()
    page.until(lambda: page.all("#pc-files input[type=file]"))
    page.one("#pc-files input[type=file]").send_keys(str(bad))
    page.until(lambda: "notes.bad holds no paper. Give a BibTeX" in page.text("#pc-report"))


def test_a_phone(page: Page) -> None:
    page.resize(360, 740)
    page.open(page.driver.current_url)
    page.until(lambda: page.all("#pc-chat .example"))
    assert page.overflow() <= 0
    page.ask(FIRST_QUESTION)
    assert page.overflow() <= 0
    page.open_chip(page.all(".pc-cite")[1])
    page.settle()
    assert page.overflow() <= 0
    rect = "const r = document.querySelector('mark.pc-strong').getBoundingClientRect(); return [r.top, innerHeight]"
    top, height = page.js(rect)
    assert 0 <= top < height
    page.one(".pc-back").click()
    page.settle()
    assert page.js("return document.querySelectorAll('.pc-cite')[1] === document.activeElement")


def test_dark_follows_the_system_and_the_toggle(page: Page) -> None:
    page.theme("dark")
    background = "return getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
    dark = page.js(background)
    page.ask(FIRST_QUESTION)
    page.open_chip(page.all(".pc-cite")[1])
    page.one(".pc-theme").click()
    assert page.js(background) != dark
    page.reload()
    page.until(lambda: page.all("#pc-panel"))
    page.until(lambda: not page.js("return document.body.classList.contains('dark')"))
    page.one(".pc-theme").click()
    page.until(lambda: page.js(background) == dark)


def test_hostile_text_is_shown_literally_and_does_nothing(page: Page) -> None:
    page.ask(HOSTILE)
    shown = " ".join(page.text("#pc-chat .user-row").split())
    assert shown == HOSTILE
    # Formulas and code are set; everything else is as it was written.
    typeset = HOSTILE.replace("$\\alpha$", "α").replace("$$x^2$$", "x2").replace("`code`", "code")
    assert typeset in page.text("#pc-chat .pc-words")
    page.open_chip(page.one(".pc-cite"))
    assert len(page.all(".pc-cite")) == 1
    assert typeset in page.text("#pc-cards .pc-abstract")
    assert typeset in page.text("#pc-cards h3")
    assert page.js("return window.hacked") is None
    assert not page.all("#pc-chat img, #pc-panel img, #pc-chat .user-row a, #pc-panel a, .katex")


def test_the_words_of_another_reader_stay_with_them(page: Page, engine: FakeEngine) -> None:
    page.ask(FIRST_QUESTION)
    assert re.search(r"#c=[0-9a-f]{32}$", page.driver.current_url)
    assert SECOND.text in page.last_answer()
    page.driver.get(page.driver.current_url[:-32] + "0" * 32)
    page.reload()
    page.until(lambda: texts.GONE in page.text("#pc-toast"))
    assert not page.all("#pc-chat .pc-answer")


def test_an_address_kept_as_a_bookmark_leads_nowhere_else(page: Page, tmp_path: Path) -> None:
    page.driver.get(page.driver.current_url.split("#")[0] + "#c=<img src=x onerror=hacked()>")
    page.reload()
    page.until(lambda: texts.GONE in page.text("#pc-toast"))
    assert page.js("return window.hacked") is None
