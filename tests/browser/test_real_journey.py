"""A researcher's day with the real models, the real index and the real process: forty steps through the whole page."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import suppress

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys

from tests.browser.chat_process import ChatProcess
from tests.browser.page import Page
from tests.real.conftest import command, environment
from ui import texts

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(600)]

ANSWER_SECONDS = 120
QUESTION = "What does MInference speed up, and by how much?"
BIBTEX = r"""
@inproceedings{quokka2025,
  title = {Quokka: Pruning Cached Keys of Long Prompts},
  author = {Ada Byron and Grace Murray},
  booktitle = {Proceedings of the Workshop on Small Caches},
  year = {2025},
  url = {https://example.org/quokka},
  abstract = {Cached keys of long prompts fill the memory of a server. Quokka prunes cached keys whose weight is below
    $\alpha^2$ of the largest. It frees 62\% of the memory at an unchanged accuracy.}
}
@article{broken2025, author = {Nobody}, year = {2025}, abstract = {This entry has no title.}}
"""
PASTED = (
    "Wombat: Ordering Retrieved Passages by Length\n"
    "Retrieved passages are usually ordered by their score. Wombat orders retrieved passages by their length. "
    "Shorter passages first improve exact match by 4 points."
)


def test_a_day(browser: Page, process: ChatProcess) -> None:
    page = browser
    page.open(process.url)
    reading(page)
    seeing_why(page)
    following_up(page)
    settings(page)
    asking_on(page)
    conversations(page)
    adding(page)
    measuring = begin_measuring(process)
    looking_at_papers(page)
    the_map(page)
    evaluating(page, measuring)
    feel(page)
    assert "Traceback" not in process.log


def reading(page: Page) -> None:
    # 1-2: asked at once, while models still load: the stage is shown, then text streams in and is checked.
    page.ask(QUESTION, wait=False)
    seen: set[str] = set()
    deadline = time.monotonic() + ANSWER_SECONDS
    while page.all("#pc-chat .pc-writing") and time.monotonic() < deadline:
        seen.add(page.text("#pc-chat .pc-answer .pc-text") or page.text("#pc-chat .pc-stage"))
        time.sleep(0.05)
    answer = page.wait_for_answer(ANSWER_SECONDS)
    assert len(seen) > 2, seen
    assert "10" in answer
    page.until(lambda: "90 papers" in page.text("#pc-status"))
    assert texts.SAMPLES_NOTE in page.text("#pc-status")
    page.pictures("answer")

    # 3: every sentence carries its verdict, in words too.
    marks = page.all("#pc-chat .pc-s .pc-verdict")
    assert len(marks) == len(page.all("#pc-chat .pc-s")) > 0
    spoken = [words for _, words in texts.VERDICTS.values()]
    assert all(mark.get_attribute("aria-label").startswith(tuple(spoken)) for mark in marks)

    # 4-5: a chip opens its paper at the evidence of its sentence; from there it is one step back.
    page.open_chip(page.all(".pc-cite")[0])
    card = page.text("#pc-cards .pc-card.pc-active")
    assert "MInference 1.0" in card
    assert "2024-07-02" in card
    assert texts.DIGEST in card  # the samples are told from the authors' own words
    assert page.text("#pc-cards mark.pc-strong") in page.text("#pc-cards .pc-card.pc-active .pc-abstract")
    page.pictures("open-source", at="#pc-cards .pc-card.pc-active")
    page.one(".pc-back").click()
    assert page.js("return document.activeElement === document.querySelector('.pc-cite')")


def seeing_why(page: Page) -> None:
    # 6: every paper that was found, with its places, and what was read and cited.
    page.one(".pc-why summary").click()
    first = page.all(".pc-ranks tbody tr")[0].text
    assert "MInference 1.0" in first
    assert "cited, read as [1]" in first
    assert texts.NOT_READ in page.text(".pc-ranks tbody")
    facts = page.text(".pc-facts-list")
    assert "SmolLM2-135M-Instruct" in facts
    assert "papers found after" in facts
    page.pictures("why", at=".pc-why")

    # 7: why not another one?
    page.one(".pc-why-not input").send_keys("Okapi", Keys.ENTER)
    page.until(lambda: "Okapi" in page.text(".pc-explained"))
    assert "final" in page.text(".pc-explained")

    # 8-9: taken along with its reference; rated.
    copied = page.text(".pc-copied")
    assert "MInference 1\\.0" in copied or "MInference 1.0" in copied
    assert "SmolLM2-135M-Instruct" in copied
    page.one('.pc-thumb[data-thumb="1"]').click()
    page.one(".pc-comment input").send_keys("what I was looking for", Keys.ENTER)
    page.until(lambda: page.text(".pc-saved") == texts.SAVED)


def following_up(page: Page) -> None:
    # 10: a follow-up is understood, and says how.
    page.ask("And how much faster is it?", wait=False)
    page.wait_for_answer(ANSWER_SECONDS)
    assert "MInference" in page.text("#pc-chat .pc-searched")
    page.pictures("follow-up")

    # 11-12: a suggestion is asked with a click, and stopped; a quick machine may be done before the click.
    for _ in range(2):
        suggestion = next(button for button in page.all(".pc-next-one") if button.is_displayed())
        words, before = suggestion.text, len(page.all("#pc-chat .pc-answer"))
        suggestion.click()
        page.until(lambda before=before: len(page.all("#pc-chat .pc-answer")) > before)
        assert page.text("#pc-chat .user-row").strip() == words
        page.until(lambda: page.text("#pc-chat .pc-draft") or not page.all("#pc-chat .pc-writing"), patience=60)
        with suppress(WebDriverException):
            page.one("#pc-stop").click()
        begun = time.monotonic()
        if texts.STOPPED in page.wait_for_answer(ANSWER_SECONDS).lower():
            break
    else:
        pytest.fail("no answer could be stopped")
    assert time.monotonic() - begun < 15

    # 13: an older citation still opens.
    page.open_chip(page.all('.pc-cite[data-turn="0"]')[0])
    assert QUESTION in page.text("#pc-cards .pc-for")


def settings(page: Page) -> None:
    page.show("settings")
    # 14: the model is tried out.
    page.one("#pc-set-test").click()
    page.until(lambda: "works, on cpu" in page.text("#pc-set-tested"), patience=60)
    page.pictures("settings")
    # 15: from now on the abstracts' own words only; kept at once.
    page.one("#pc-set-quotes input").click()
    page.until(lambda: texts.KEPT in page.text("#pc-set-saved"))
    # 16: the rated answer is an evaluation set.
    name, text = page.saved('[data-form="feedback"]')
    (row,) = [json.loads(line) for line in text.splitlines()]
    assert (name, row["question"], row["feedback"]["thumb"]) == ("paperchat-feedback.jsonl", QUESTION, 1)
    assert row["gold"]
    page.show("ask")


def asking_on(page: Page) -> None:
    # 17: quotes, and no model.
    page.ask("What is Okapi?")
    assert page.all("#pc-chat .pc-answer:is(.pc-quoted)")
    assert page.all("#pc-chat .pc-answer .pc-v-quoted")

    # 18-19: conditions become chips; without one the question is asked again.
    page.ask("Papers since 2025 on reinforcement learning")
    assert [chip.text.split("\n")[0] for chip in page.all(".pc-filter")] == ["since 2025 ×"]
    assert all("2025" in when.text for when in page.all("#pc-cards .pc-byline"))
    page.all(".pc-filter")[0].click()
    page.until(lambda: not page.all(".pc-filter"))
    page.wait_for_answer()

    # 20: the question is changed; what followed it is gone.
    page.js("[...document.querySelectorAll('.pc-tools [data-do=edit]')].pop().click()")
    page.until(lambda: page.text(".pc-editing"))
    box = page.one("#pc-box textarea")
    page.until(lambda: "reinforcement" in box.get_attribute("value"))
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("How many papers mention instruction tuning?", Keys.ENTER)
    page.until(lambda: page.text("#pc-chat .user-row").strip().startswith("How many papers"))
    page.wait_for_answer()

    # 21: that was counted in the records, and says so.
    assert texts.RECORDED_ONLY in page.last_answer()

    # 22: what the papers do not say is not answered; that is help, not an error.
    page.ask("What is the best recipe for apple pie?")
    assert page.all("#pc-chat .pc-refused .pc-help .pc-nearest li")
    assert not page.all("#pc-chat .pc-error")
    page.pictures("refusal", at="#pc-chat .user-row")


def conversations(page: Page) -> None:
    # 23-24: a new one begins with questions drawn from the collection; one of them is asked with a click.
    page.one(".pc-new").click()
    page.until(lambda: not page.all("#pc-chat .pc-answer"))
    page.until(lambda: page.shown("#pc-chat .example"))
    page.pictures("start")
    page.all("#pc-chat .example")[0].click()
    page.until(lambda: page.all("#pc-chat .pc-answer"))
    page.wait_for_answer()
    assert page.all(".pc-cite")

    # 25-27: both are in the list; one is renamed, found by a word of its answer, and opened.
    page.until(lambda: len(page.conversations()) == 2)
    page.js("document.querySelector('.pc-item:has([aria-current]) [data-do=rename]').click()")
    page.one("input.pc-rename").send_keys(Keys.CONTROL, "a")
    page.one("input.pc-rename").send_keys("Things to read", Keys.ENTER)
    page.until(lambda: page.conversations()[0] == "Things to read")
    page.one("#pc-find").send_keys("apple pie")
    page.until(lambda: page.conversations() == [QUESTION])
    page.one("#pc-side-list .pc-open").click()
    page.until(lambda: len(page.all("#pc-chat .pc-answer")) > 4)
    page.one("#pc-find").send_keys(Keys.CONTROL, "a")
    page.one("#pc-find").send_keys(Keys.DELETE)

    # 28: opened anew, it is as it was: verdicts, the evidence behind a chip, the rating.
    before = len(page.all("#pc-chat .pc-verdict"))
    page.reload()
    page.until(lambda: len(page.all("#pc-chat .pc-verdict")) == before > 0)
    page.open_chip(page.all('.pc-cite[data-turn="0"]')[0])
    assert page.text("#pc-cards mark.pc-strong")
    assert page.all('.pc-thumb[data-thumb="1"][aria-pressed="true"]')

    # 29: taken along, so that each answer can be made again.
    _, text = page.saved('[data-form="markdown"]')
    assert "SmolLM2-135M-Instruct" in text
    _, text = page.saved('[data-form="json"]')
    states = [(turn["state"], turn["answer"]["index"]["papers"]) for turn in json.loads(text)["turns"]]
    assert states == [("done", 90)] * len(page.all("#pc-chat .pc-answer"))
    assert "MInference" in page.saved('[data-form="bibtex"]')[1]
    assert page.saved('[data-form="ris"]')[1].startswith("TY  - ")

    # 30: deleted, after a question.
    page.js("document.querySelector('.pc-item:not(:has([aria-current])) [data-do=delete]').click()")
    page.until(lambda: page.text("#pc-dialog p") == texts.DELETE_ASK)
    page.one('#pc-dialog button[value="yes"]').click()
    page.until(lambda: page.conversations() == [QUESTION])


def adding(page: Page) -> None:
    # 31: a file is dropped; what could not be used is told, with the reason.
    page.show("papers")
    page.one("#pc-add button").click()
    page.until(lambda: page.shown("#pc-files button"))
    page.drop("#pc-files button", "quokka.bib", BIBTEX)
    page.until(lambda: page.text("#pc-report .pc-report"), "the report", 60)
    report = page.text("#pc-report")
    assert "1 new" in report
    assert "1 rejected" in report
    assert "quokka.bib" in page.text("#pc-report .pc-rejected")

    # 32: another is pasted.
    page.js("arguments[0].value = ''", page.one("#pc-paste textarea"))
    page.paste(page.one("#pc-paste textarea"), PASTED)
    page.one("#pc-paste-add").click()
    page.until(lambda: "1 new" in page.text("#pc-report") and "0 rejected" in page.text("#pc-report"), patience=60)
    page.until(lambda: "92 papers" in page.text("#pc-status"))
    page.pictures("upload")
    page.js("document.querySelector('#pc-add button').click()")


def looking_at_papers(page: Page) -> None:
    # 33: the new one is found, and asked about; its formula is set.
    page.one("#pc-shelf-find").send_keys("quokka")
    page.until(lambda: len(page.all(".pc-papers-table tbody tr")) == 1)
    assert "Ada Byron" in page.text(".pc-papers-table tbody")
    page.one(".pc-papers-table summary").click()
    page.one(".pc-papers-table details[open] .pc-tool").click()
    page.until(lambda: "Quokka" in page.text("#pc-chat .user-row"))
    assert "62%" in page.wait_for_answer()
    assert page.all("#pc-cards .pc-card math")
    assert page.one("#pc-cards .pc-card h3 a").get_attribute("href") == "https://example.org/quokka"

    # 34-35: one year of the collection, sorted by title.
    page.show("papers")
    page.one("#pc-shelf-find").send_keys(Keys.CONTROL, "a")
    page.one("#pc-shelf-find").send_keys(Keys.DELETE)
    page.until(lambda: len(page.all(".pc-papers-table tbody tr")) == 50)
    page.pictures("papers")
    page.one('[data-sort="title"]').click()
    page.until(lambda: page.all('th[aria-sort="ascending"] [data-sort="title"]'))
    press = (
        "document.querySelector('.pc-year[data-year=\"2024\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    page.js(press)
    page.until(lambda: page.all('.pc-year[data-year="2024"][aria-pressed="true"]'))
    dates = page.js("return [...document.querySelectorAll('.pc-papers-table .pc-when')].map(e => e.textContent)")
    assert dates
    assert all(date.startswith("2024") for date in dates)
    page.js(press)

    # 36: a paper is deleted, after a question, and cannot be found any more.
    page.one("#pc-shelf-find").send_keys("wombat")
    page.until(lambda: len(page.all(".pc-papers-table tbody tr")) == 1)
    page.one(".pc-pick").click()
    page.one('[data-do="delete-papers"]').click()
    page.one('#pc-dialog button[value="yes"]').click()
    page.until(lambda: "91 papers" in page.text("#pc-status"))
    page.until(lambda: texts.SHELF_NOTHING in page.text("#pc-shelf"))
    page.one("#pc-shelf-find").send_keys(Keys.CONTROL, "a")
    page.one("#pc-shelf-find").send_keys(Keys.DELETE)


def the_map(page: Page) -> None:
    # 37: drawn from the real vectors: topics with names, coloured by year too.
    page.one('[data-view="map"]').click()
    page.until(lambda: page.all("#pc-map .pc-map-plane"), "the map", 60)
    assert "Map of 91 papers" in page.one(".pc-map-plane").get_attribute("aria-label")
    assert len(page.all('.pc-legend-list[data-by="topic"] button')) > 2
    page.all('.pc-legend-list[data-by="topic"] button')[0].click()
    page.until(lambda: page.all(".pc-map-list button"))
    page.all(".pc-map-list button")[0].click()
    page.until(lambda: page.text(".pc-map-card h3"))
    page.pictures("map")
    page.one('[data-do="map-by"][data-by="year"]').click()
    page.until(lambda: page.shown('.pc-legend-list[data-by="year"]'))

    # 38: a click asks about a paper.
    title = page.text(".pc-map-card h3")
    page.one(".pc-map-card .pc-tool").click()
    page.until(lambda: title in page.text("#pc-chat .user-row"))
    page.wait_for_answer()
    assert page.all("#pc-chat .pc-answer:is(.pc-quoted, .pc-generated)")


def evaluating(page: Page, measuring: subprocess.Popen[str]) -> None:
    # 39: two settings over the same questions, side by side.
    page.show("evaluation")
    page.one("#pc-compare-questions").send_keys("What is Okapi?\nWhat is the best recipe for apple pie?")
    page.js("document.querySelector('[data-side=\"B\"] [name=k]').value = '1'")
    page.one(".pc-compare .pc-primary").click()
    page.until(lambda: texts.COMPARE_DONE in page.text("#pc-compare-progress"), patience=60)
    assert len(page.all(".pc-compared-rows .pc-one")) == 4
    page.until(lambda: page.text(".pc-compared-sums"))
    assert texts.COMPARE_ROWS["refused"] in page.text(".pc-compared-sums")
    name, text = page.saved('[data-do="compare-export"]')
    assert name == "paperchat-comparison.json"
    assert json.loads(text)
    page.pictures("comparison", at=".pc-compared-rows")

    # 40: a report of `paperchat eval` is loaded.
    _, said = measuring.communicate(timeout=120)
    assert measuring.returncode == 0, said
    page.show("ask")
    page.show("evaluation")
    page.until(lambda: page.all(".pc-report-list button"))
    page.one(".pc-report-list button").click()
    page.until(lambda: page.all(".pc-report-view .pc-figures"))
    page.pictures("evaluation", at="#pc-reports-head")


def begin_measuring(process: ChatProcess) -> subprocess.Popen[str]:
    """`paperchat eval refusal` over the collection that the page shows, while the page goes on."""
    questions = process.folder / "questions.jsonl"
    (gold,) = ["MInference 1.0: Accelerating Pre-filling for Long-Context LLMs via Dynamic Sparse Attention"]
    rows = [
        {"id": "speed", "kind": "fact", "question": QUESTION, "gold": [gold], "facts": [["10x"]]},
        {"id": "pie", "kind": "absent", "question": "How do I bake an apple pie?", "gold": [], "facts": []},
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return subprocess.Popen(
        command("eval", "refusal", questions, "--index", process.index, "--report", process.reports / "refusal"),
        env=environment(),
        cwd=process.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def feel(page: Page) -> None:
    # 41: choices are still there; everything is as at the beginning after one click.
    page.reload()
    page.until(lambda: page.all("#pc-chat .pc-answer"))
    page.show("settings")
    page.until(lambda: page.checked("#pc-set-quotes input"))
    page.one("#pc-set-quotes input").click()
    page.until(lambda: texts.KEPT_AS_STARTED in page.text("#pc-set-saved"))
    # 42: light and dark by a click.
    dark = "return document.body.classList.contains('dark')"
    page.one(".pc-theme").click()
    assert page.js(dark)
    page.one(".pc-theme").click()
    assert not page.js(dark)
    # 43: all of it on a phone.
    page.resize(360, 740)
    for name, _ in texts.PAGES:
        page.show(name)
        assert page.overflow() <= 0, name
