"""One reader's visit with the real models: `paperchat chat` in a process of its own, over the samples."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.common.exceptions import ElementNotInteractableException

from tests.browser.conftest import Page

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
UPLOAD = ROOT.parent / "shared" / "data" / "daily_papers" / "page_2025-11-05.txt"
START_SECONDS = 60
ANSWER_SECONDS = 120


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path) -> dict[str, str]:
    """Ours without settings of paperchat, except where the converted model is kept: that saves a minute."""
    kept = ("PAPERCHAT_CACHE",)
    ours = {name: value for name, value in os.environ.items() if name in kept or not name.startswith("PAPERCHAT_")}
    return {**ours, "PAPERCHAT_CONVERSATIONS": str(folder / "conversations.sqlite")}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("chat")
    port = _free_port()
    command = [sys.executable, "-m", "ui.cli", "chat"]
    command += ["--port", str(port), "--index", str(folder / "index"), "--samples"]
    log = (folder / "log.txt").open("w+")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=_environment(folder))
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(url, timeout=2, trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        else:
            log.seek(0)
            pytest.fail(f"the page did not come up:\n{log.read()}")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def test_a_visit(browser: Page, address: str) -> None:
    page = browser
    page.open(address)

    # Asked at once, while models may still load: the stage is shown, then text streams in.
    page.ask("What does MInference speed up, and by how much?", wait=False)
    seen: set[str] = set()
    deadline = time.monotonic() + ANSWER_SECONDS
    while page.all("#pc-chat .pc-writing") and time.monotonic() < deadline:
        seen.add(page.text("#pc-chat .pc-answer .pc-text") or page.text("#pc-chat .pc-stage"))
        time.sleep(0.02)
    answer = page.wait_for_answer(ANSWER_SECONDS)
    assert len(seen) > 2, seen
    assert "10" in answer
    page.screenshot("real-answer")

    page.open_chip(page.all(".pc-cite")[0])
    assert page.all("#pc-cards mark.pc-strong")
    assert "MInference" in page.text("#pc-cards .pc-card.pc-active")
    time.sleep(0.5)
    page.screenshot("real-open-source")

    # A follow-up is understood, and says how.
    page.ask("And how much faster is it?", wait=False)
    page.wait_for_answer(ANSWER_SECONDS)
    assert "MInference" in page.text("#pc-chat .pc-searched")
    page.screenshot("real-follow-up")

    # Another answer is stopped; a quick machine may be done before the click, so there is a second try.
    for question in (
        "Tell me everything about retrieval-augmented generation.",
        "And about long context models?",
    ):
        page.ask(question, wait=False)
        with contextlib.suppress(ElementNotInteractableException):
            page.one("#pc-stop").click()
        begun = time.monotonic()
        stopped = page.wait_for_answer(ANSWER_SECONDS)
        if "stopped" in stopped.lower():
            break
    else:
        pytest.fail("no answer could be stopped")
    assert time.monotonic() - begun < 15

    # The page is still alive, and an older citation still opens.
    page.open_chip(page.all('.pc-cite[data-turn="0"]')[0])
    assert "What does MInference speed up" in page.text("#pc-cards .pc-for")


def test_an_upload(browser: Page, address: str) -> None:
    if not UPLOAD.is_file():
        pytest.skip(f"{UPLOAD} is not here")
    page = browser
    page.open(address)
    page.until(lambda: page.shown("#pc-chat .example"), "the models", START_SECONDS)
    page.show("papers")
    page.one("#pc-add button").click()
    page.until(lambda: page.all("#pc-files input[type=file]"))
    page.one("#pc-files input[type=file]").send_keys(str(UPLOAD))
    page.until(lambda: page.text("#pc-report .pc-report"), "the report", 300)
    read, new = (int(item.text.split()[0].replace(",", "")) for item in page.all("#pc-report .pc-counts li")[:2])
    assert read > 10
    assert new <= read
    page.screenshot("real-upload")
    page.until(lambda: page.all(".pc-papers-table tbody tr"), "the table")
    page.js("document.querySelector('#pc-add button').click()")
    time.sleep(0.5)
    page.screenshot("real-papers")


def test_a_refusal_and_a_phone(browser: Page, address: str) -> None:
    page = browser
    page.resize(360, 740)
    page.open(address)
    page.until(lambda: page.shown("#pc-chat .example"), "the models", START_SECONDS)
    assert page.overflow() <= 0
    page.ask("What is the best recipe for apple pie?", wait=False)
    page.wait_for_answer(ANSWER_SECONDS)
    assert page.all("#pc-chat .pc-help")
    assert page.overflow() <= 0
    page.screenshot("real-phone-refusal")
