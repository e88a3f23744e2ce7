"""A researcher's day on the page, with scripted answers: everything that can be done on it, in one visit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Page
from tests.browser.fake_engine import FIRST, MINFERENCE, SECOND, FakeEngine
from ui import texts
from ui.userdata import Database

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

FIRST_QUESTION = "What does MInference speed up?"


def test_a_day(page: Page, engine: FakeEngine, kept: Database) -> None:
    address = page.driver.current_url.split("#")[0]

    # 1-3: an empty list; "/" goes to the box; a question is asked with Enter and appears in the list.
    assert texts.NO_CONVERSATIONS in page.text("#pc-side-list")
    page.js("document.activeElement.blur()")
    page.one("body").send_keys("/")
    assert page.js("return document.activeElement.closest('#pc-box') !== null")
    page.ask(FIRST_QUESTION)
    page.until(lambda: page.conversations() == [FIRST_QUESTION])

    # 4-5: why: the ranks of every paper, which were read and cited.
    page.one(".pc-why summary").click()
    first, *_ = page.all(".pc-ranks tbody tr")
    assert first.text.split()[:3] == ["1", "1", "3"]
    assert "cited, read as [1]" in first.text
    assert "not read" in page.text(".pc-ranks tbody")
    assert "SmolLM2-135M-Instruct" in page.text(".pc-facts-list")

    # 6-7: copied as Markdown, with references; rated, with a comment.
    assert "[1] Huiqiang Jiang, Yucheng Li" in page.text(".pc-copied")
    page.one('.pc-thumb[data-thumb="1"]').click()
    page.one(".pc-comment input").send_keys("as it should be", Keys.ENTER)
    page.until(lambda: page.text(".pc-saved") == texts.SAVED)

    # 8-9: a follow-up, then the question before it is changed: what came after is gone.
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

    # 10: a question with conditions; one of them is taken away and the rest stays.
    page.ask("What is fast since 2024 at NeurIPS?")
    assert [chip.text.split("\n")[0] for chip in page.all(".pc-filter")] == ["since 2024 ×", "at NeurIPS ×"]
    page.all(".pc-filter")[0].click()
    page.until(lambda: len(engine.filters) > 3 and engine.filters[-1].since is None)
    assert engine.filters[-1].venues == ("NeurIPS",)
    page.wait_for_answer()
    page.until(lambda: len(page.all(".pc-filter")) == 1)

    # 11-12: another conversation; the list holds both; it is renamed, and found by a word of an answer.
    page.one(".pc-new").click()
    page.until(lambda: not page.all("#pc-chat .pc-answer"))
    page.ask(FIRST_QUESTION)
    page.until(lambda: len(page.conversations()) == 2)
    page.one(".pc-item:has([aria-current])").click()
    page.js("document.querySelector('.pc-item:has([aria-current]) [data-do=rename]').click()")
    page.one("input.pc-rename").send_keys(Keys.CONTROL, "a")
    page.one("input.pc-rename").send_keys("Speed of pre-filling", Keys.ENTER)
    page.until(lambda: page.conversations()[0] == "Speed of pre-filling")
    page.one("#pc-find").send_keys("latency")
    page.until(lambda: page.conversations() == ["Speed of pre-filling"])
    page.one("#pc-find").send_keys(Keys.CONTROL, "a")
    page.one("#pc-find").send_keys(Keys.DELETE)
    page.until(lambda: len(page.conversations()) == 2)

    # 13-14: the page is opened anew: the conversation is back, with verdicts, and a chip opens its evidence.
    page.driver.refresh()
    page.until(lambda: FIRST.text in page.text("#pc-chat .pc-text"))
    assert page.all("#pc-chat .pc-v-supported")
    page.open_chip(page.all(".pc-cite")[1])
    assert page.one("#pc-cards mark.pc-strong").text.startswith("Evaluations show")
    assert MINFERENCE.title in page.text("#pc-cards .pc-card.pc-active")

    # 15: the other one, from the list, with its sources.
    page.all("#pc-side-list .pc-open")[1].click()
    page.until(lambda: "What is fast since 2024" in page.text("#pc-chat .user-row"))
    page.until(lambda: "What is fast since 2024" in page.text("#pc-cards .pc-for"))
    assert len(page.all("#pc-chat .pc-answer")) == 2

    # 16-18: taken along.
    name, text = page.saved('[data-form="markdown"]')
    assert (name, text.count("## ")) == ("paperchat.md", 2)
    name, text = page.saved('[data-form="json"]')
    assert [turn["state"] for turn in json.loads(text)["turns"]] == ["done", "done"]
    _, text = page.saved('[data-form="bibtex"]')
    assert "MInference" in text
    _, text = page.saved('[data-form="ris"]')
    assert text.startswith("TY  - ")

    # 19-20: deleted, after a question; the other one stays.
    page.js("document.querySelector('.pc-item:has([aria-current]) [data-do=delete]').click()")
    page.until(lambda: page.text("#pc-dialog p") == texts.DELETE_ASK)
    page.one('#pc-dialog button[value="no"]').click()
    assert len(page.conversations()) == 2
    page.js("document.querySelector('.pc-item:has([aria-current]) [data-do=delete]').click()")
    page.one('#pc-dialog button[value="yes"]').click()
    page.until(lambda: page.conversations() == ["Speed of pre-filling"])
    page.until(lambda: not page.all("#pc-chat .pc-answer"))

    # 21: stopped with Escape.
    engine.word_seconds = 0.05
    page.ask("Tell me everything", wait=False)
    page.until(lambda: engine.words > 5)
    page.one("body").send_keys(Keys.ESCAPE)
    assert engine.finished.wait(5)
    assert "stopped" in page.wait_for_answer()
    engine.word_seconds = 0.01

    # 22-24: the collection: sorted, searched, one year of it, and a paper asked about.
    page.show("papers")
    page.until(lambda: len(page.all(".pc-papers-table tbody tr")) == 50)
    page.one('[data-sort="title"]').click()
    page.until(lambda: page.all('th[aria-sort="ascending"] [data-sort="title"]'))
    page.one("#pc-shelf-find").send_keys("shelf icml")
    page.until(lambda: "of 60" in page.text(".pc-pager"))
    page.js(
        "document.querySelector('.pc-year[data-year=\"2020\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    page.until(lambda: page.all('.pc-year[data-year="2020"][aria-pressed="true"]'))
    assert all(cell.text.startswith("2020") for cell in page.all(".pc-papers-table .pc-when"))
    # 25: deleted, after a question.
    page.all(".pc-pick")[0].click()
    page.one('[data-do="delete-papers"]').click()
    page.one('#pc-dialog button[value="yes"]').click()
    page.until(lambda: "Deleted 1 paper." in page.text("#pc-toast"))
    assert len(engine.catalog().rows) == 128
    page.one(".pc-papers-table summary").click()
    page.one(".pc-papers-table details[open] .pc-tool").click()
    page.until(lambda: "on the shelf” find?" in page.text("#pc-chat .user-row"))
    page.wait_for_answer()

    # 26: settings are kept.
    page.show("settings")
    page.all("#pc-set-support input")[2].click()
    page.until(lambda: page.text("#pc-set-saved .pc-note-line"))
    page.open(address)
    page.show("settings")
    page.until(lambda: page.js("return document.querySelectorAll('#pc-set-support input')[2].checked"))


def test_the_words_of_another_reader_stay_with_them(page: Page, engine: FakeEngine) -> None:
    page.ask(FIRST_QUESTION)
    assert re.search(r"#c=[0-9a-f]{32}$", page.driver.current_url)
    assert SECOND.text in page.last_answer()
    page.driver.get(page.driver.current_url[:-32] + "0" * 32)
    page.driver.refresh()
    page.until(lambda: texts.GONE in page.text("#pc-toast"))
    assert not page.all("#pc-chat .pc-answer")


def test_an_address_kept_as_a_bookmark_leads_nowhere_else(page: Page, tmp_path: Path) -> None:
    page.driver.get(page.driver.current_url.split("#")[0] + "#c=<img src=x onerror=hacked()>")
    page.driver.refresh()
    page.until(lambda: texts.GONE in page.text("#pc-toast"))
    assert page.js("return window.hacked") is None
