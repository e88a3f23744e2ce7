"""What a reader does on the page and sees there, in headless Chromium."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
DESK, PHONE = (1280, 860), (360, 740)
# What Chromium and Gradio write into the console when the server is gone.
UNREACHABLE = re.compile("net::ERR_|network error|Connection errored out")
# What Gradio writes there when a page is left while a stream of its is open.
LEFT = re.compile("AbortError|Connection errored out")


class Page:
    """One tab; `selector` is CSS throughout."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.unreachable = False  # the server was killed, and the browser may say so in its console
        self._settles = 450
        self._requests: list[str] = []
        self._errors: list[str] = []  # of pages that were left

    def open(self, url: str) -> None:
        self.driver.get(url)
        self.until(lambda: self.all("#pc-box textarea"), "the question box")
        self.until(lambda: self.all("#pc-panel"), "the source panel")

    def reload(self) -> None:
        """Loads the page anew; that the old one's streams ended with it is no error."""
        self._errors = self.console_errors()
        self.driver.refresh()
        self._errors += [error for error in self._new_errors() if not LEFT.search(error)]

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> Any:
        self.until(lambda: self.all(selector), selector)
        return self.all(selector)[-1]

    def text(self, selector: str) -> str:
        # In one step: while text streams in, an element found may be gone before it is read.
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).pop() ?? ''"
        return str(self.js(script, selector))

    def shown(self, selector: str) -> bool:
        script = "return [...document.querySelectorAll(arguments[0])].some(e => e.checkVisibility())"
        return bool(self.js(script, selector))

    def checked(self, selector: str) -> bool:
        """Whether a box is there and ticked."""
        # In one step: a page that has just been opened draws its settings a moment after it shows them.
        return bool(self.js("return document.querySelector(arguments[0])?.checked", selector))

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: Callable[[], Any], what: str = "", patience: float = PATIENCE) -> Any:
        # What is drawn anew is for a moment not there: whoever waits waits for that as well.
        passing = (JavascriptException, StaleElementReferenceException)
        waiting = WebDriverWait(self.driver, patience, poll_frequency=0.05, ignored_exceptions=passing)
        return waiting.until(lambda _: condition(), what)

    def ask(self, question: str, *, wait: bool = True) -> None:
        """Types and sends; afterwards the question is in the conversation."""
        before = len(self.all("#pc-chat .bot-row .pc-answer"))
        self.one("#pc-box textarea").send_keys(question, "\ue007")
        self.until(lambda: len(self.all("#pc-chat .bot-row .pc-answer")) > before, "a new message")
        if wait:
            self.wait_for_answer(answers=before + 1)

    def wait_for_answer(self, patience: float = PATIENCE, *, answers: int = 1) -> str:
        # In one step: what is drawn anew is for a moment not there.
        script = (
            "const all = [...document.querySelectorAll('#pc-chat .pc-answer')];"
            "return all.length >= arguments[0] && !all.pop().matches('.pc-writing')"
            " && document.querySelector('#pc-send')?.checkVisibility();"
        )
        self.until(lambda: self.js(script, answers), "the end of the answer", patience)
        return self.last_answer()

    def last_answer(self) -> str:
        """The visible text of the newest answer."""
        script = "return [...document.querySelectorAll('#pc-chat .pc-answer')].pop().innerText"
        return str(self.js(script))

    def show(self, name: str) -> None:
        """Goes to another page of the page."""
        self.one(f'.pc-page[data-page="{name}"]').click()
        self.until(lambda: self.js("return document.body.dataset.page") == name)

    def open_chip(self, chip: Any) -> None:
        # The conversation may still scroll by itself to its end.
        reachable = (
            "const c = arguments[0]; c.scrollIntoView({block: 'center'}); const r = c.getBoundingClientRect();"
            "return c.contains(document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2))"
        )
        self.until(lambda: self.js(reachable, chip), "the chip")
        self.driver.execute_async_script("setTimeout(arguments[0], 250)")
        self.until(lambda: self.js(reachable, chip), "the chip at rest")
        chip.click()
        self.until(lambda: self.all("#pc-cards .pc-card.pc-active"), "the opened source")

    def prefer(self, theme: str, *, calm: bool = False) -> None:
        """What the system asks of every page: light or dark, and perhaps that nothing moves."""
        self._settles = 60 if calm else 450
        features = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce" if calm else "no-preference"}
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": name, "value": value} for name, value in features.items()]},
        )

    def theme(self, name: str) -> None:
        self.prefer(name, calm=self._settles < 450)
        self.until(lambda: self.js("return document.body.classList.contains('dark')") == (name == "dark"), name)

    def resize(self, width: int, height: int) -> None:
        # The window of a headless Chromium cannot be narrower than 500 pixels; the viewport can.
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.js("return document.documentElement.scrollWidth - window.innerWidth"))

    def conversations(self) -> list[str]:
        """Titles in the list beside the conversation."""
        # In one step: the list is drawn anew when an answer is finished.
        return list(self.js("return [...document.querySelectorAll('#pc-side-list .pc-open')].map(e => e.textContent)"))

    def saved(self, button: str) -> tuple[str, str]:
        """Presses an export button; the name and the text of the file the browser was given."""
        self.js(
            "window.files = []; const make = window.makeAddress ??= URL.createObjectURL;"
            "URL.createObjectURL = blob => { const file = {}; window.files.push(file);"
            "blob.text().then(text => file.text = text); return make.call(URL, blob); };"
            "HTMLAnchorElement.prototype.click = function () { window.files.at(-1).name = this.download; };"
            "document.querySelector(arguments[0]).click()",
            button,
        )
        self.until(lambda: self.js("return window.files.at(-1)?.text !== undefined"), f"the file of {button}")
        file = self.js("return window.files.at(-1)")
        return str(file["name"]), str(file["text"])

    def drop(self, selector: str, name: str, text: str) -> None:
        """Drops a file there, as from the desktop."""
        self.js(
            "const [place, name, text] = arguments; const dataTransfer = new DataTransfer();"
            "dataTransfer.items.add(new File([text], name));"
            "for (const kind of ['dragenter', 'dragover', 'drop'])"
            " place.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer}));",
            self.one(selector),
            name,
            text,
        )

    def paste(self, field: Any, text: str) -> None:
        """Puts text into a field at once, as from the clipboard."""
        self.js("arguments[0].focus(); document.execCommand('insertText', false, arguments[1])", field, text)

    def violations(self, *, contrast_only: bool = False) -> list[str]:
        """What axe-core finds wrong, by WCAG 2.2 AA, with what is shown now."""
        if not self.js("return Boolean(window.axe)"):
            self.js(axe())
        which = ["color-contrast", "link-in-text-block"] if contrast_only else AXE_TAGS
        found = self.driver.execute_async_script(
            "axe.run(document, {resultTypes: ['violations'], runOnly: arguments[0]}).then(r => arguments[1]("
            "r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).join(' | '))))",
            which,
        )
        return [str(item) for item in found]

    def settle(self) -> None:
        """Fonts are there, smooth scrolling has ended and colours have changed."""
        script = "document.fonts.ready.then(() => setTimeout(arguments[1], arguments[0]))"
        self.driver.execute_async_script(script, self._settles)

    def picture(self, name: str) -> None:
        """A screenshot, where somebody wants one."""
        folder = os.environ.get("PAPERCHAT_SCREENSHOTS")
        if folder:
            self.js("document.querySelector('#pc-toast')?.classList.remove('pc-on')")
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 1, "y": 1})
            self.settle()
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def pictures(self, name: str, at: str = "#pc-top") -> None:
        """Screenshots in light, in dark, and on a phone; each with the last `at` brought to the top."""
        if not os.environ.get("PAPERCHAT_SCREENSHOTS"):
            return
        to = "[...document.querySelectorAll(arguments[0])].pop()?.scrollIntoView({block: 'start'})"
        self.js(to, at)
        self.picture(f"{name}-light")
        self.theme("dark")
        self.picture(f"{name}-dark")
        self.theme("light")
        self.resize(*PHONE)
        self.js(to, at)
        self.picture(f"{name}-phone")
        self.resize(*DESK)

    def console_errors(self) -> list[str]:
        """Every error since it was last asked for."""
        errors, self._errors = self._errors + self._new_errors(), []
        return errors

    def _new_errors(self) -> list[str]:
        errors = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [error for error in errors if not (self.unreachable and UNREACHABLE.search(error))]

    def foreign_requests(self) -> list[str]:
        """Requests to any other host than this machine, since the browser started."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requests.append(message["params"]["request"]["url"])
        return [url for url in self._requests if not _is_own(url)]


def _is_own(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about", "chrome") or parts.hostname == "127.0.0.1"


@functools.cache
def axe() -> str:
    """The source of axe-core. Only this file of the package is used; its own driver is another one."""
    package = importlib.util.find_spec("axe_playwright_python")
    assert package is not None and package.origin, "Install requirements-dev.lock: axe-core is in it."
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")
