"""A headless Chromium, and the page over a fake engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.browser.chat_process import ChatProcess
from tests.browser.fake_engine import FakeEngine
from tests.browser.page import DESK, Page
from ui.userdata import Database

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or "/usr/bin/chromium"
DRIVER = shutil.which("chromedriver") or "/usr/bin/chromedriver"
DATABASES: list[Database] = []


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests; each test opens the page anew."""
    if not Path(CHROMIUM).exists() or not Path(DRIVER).exists():
        pytest.skip("Chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,860",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[Page]:
    """The browser; afterwards nothing may have gone wrong in it, and nothing may have left the machine."""
    page = Page(chromium)
    page.resize(*DESK)
    page.prefer("light")
    chromium.get_log("browser")
    chromium.get_log("performance")
    yield page
    errors, foreign = page.console_errors(), page.foreign_requests()
    chromium.get("about:blank")
    assert not errors, errors
    assert not foreign, foreign


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeEngine, str]]:
    """The fake engine and the address of its page."""
    from ui import web

    engine = FakeEngine()
    database = Database(tmp_path_factory.mktemp("kept") / "conversations.sqlite")
    DATABASES.append(database)
    app = web.launch(engine, "127.0.0.1", 0, database=database, block=False)  # type: ignore[arg-type]
    yield engine, re.sub(r"/$", "", str(app.local_url))
    app.close(verbose=False)


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatProcess]:
    """The real page, which real tests go on with one after the other."""
    process = ChatProcess(tmp_path_factory.mktemp("chat"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def engine(served: tuple[FakeEngine, str], tmp_path: Path) -> FakeEngine:
    """The fake engine as new."""
    engine, _ = served
    fresh = FakeEngine(folder=tmp_path)
    fresh.start()
    engine.__dict__.update(fresh.__dict__)
    return engine


@pytest.fixture
def kept(served: tuple[FakeEngine, str]) -> Database:
    """The page's own file, emptied."""
    database = DATABASES[-1]
    with database.connection() as connection:
        connection.execute("DELETE FROM conversations")
        connection.execute("DELETE FROM preferences")
    return database


@pytest.fixture
def page(browser: Page, served: tuple[FakeEngine, str], engine: FakeEngine, kept: Database) -> Page:
    """The page over the fake engine, opened."""
    browser.open(served[1])
    browser.until(lambda: "Ready" not in browser.text("#pc-status") and "90 papers" in browser.text("#pc-status"))
    return browser
