"""The chat page in a browser against Gradio's plain `gr.ChatInterface`, both streaming the same long answer.

    python -m eval.bench.page --rounds 5 --output page.json

Starts both as processes of their own, and for each round a new headless Chromium for each: opens the page
with nothing cached and then again, asks a question, and reads the answer of twenty sentences with twenty
citations as it is written word by word; then asks again, so that one long answer stands above. Prints medians
and their ratios. Only loopback is reached. Needs Chromium, chromedriver and the development dependencies.

What is measured: `usable`, from the start of the navigation until the first frame in which the question box
can be typed into; `interactive`, the same or the end of the last long task before a quiet second; `shift`,
cumulative layout shift as Web Vitals define it; `first word`, from pressing Enter; `dropped`, the share of
sixtieths of a second without a frame of their own while the answer is written; `blocked`, long tasks' time
beyond 50 ms; `browser` and `server`, processor seconds of the page's main thread and of the server.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

SIDES = {"paperchat": "tests.browser.page_process", "ChatInterface": "eval.bench.page_peer"}
QUESTION = "What is known about long prompts?"
FIRST, LAST = "Firstly", "finally"
SENTENCES = 20
PATIENCE = 120.0
FRAME = 1000 / 60
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,860",
    # What is asked of another host fails at once, as it would on a machine without a network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

# Watches from before the page's own scripts. A time is in milliseconds since the navigation began.
WATCH = """
(() => {
  const none = () => ({ shifts: [], long: [], frames: [], sent: 0, first: 0, last: 0, answers: 0 });
  const seen = window.seen = { usable: 0, ...none() };
  const watch = (type, note) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
  watch("layout-shift", (e) => { if (!e.hadRecentInput) seen.shifts.push([e.startTime, e.value]); });
  watch("longtask", (e) => seen.long.push([e.startTime, e.duration]));
  const box = () => [...document.querySelectorAll("textarea")].find((t) => !t.disabled && t.checkVisibility());
  const usable = (now) => { if (box()) seen.usable = performance.now(); else requestAnimationFrame(usable); };
  requestAnimationFrame(usable);
  const times = (word) => document.querySelector('[role="log"]')?.textContent.split(word).length - 1;
  const frame = (now) => {
    seen.frames.push(now);
    if (!seen.first && times(FIRST) > seen.answers) seen.first = now;
    if (!seen.last) requestAnimationFrame(frame);
  };
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    Object.assign(seen, none(), { sent: event.timeStamp, answers: times(FIRST) || 0 });
    requestAnimationFrame(frame);
    const end = () => { if (times(LAST) > seen.answers) seen.last = performance.now(); else setTimeout(end, 100); };
    setTimeout(end, 500);
  }, true);
})();
"""


def answer(seconds: float) -> dict[str, Any]:
    """What both pages stream: twenty sentences of sixteen words."""
    words = "methods that skip most of the attention matrix keep nearly all of its mass at step".split()
    texts = [f"Then {' '.join(words)} {n}." for n in range(SENTENCES)]
    texts[0], texts[-1] = texts[0].replace("Then", FIRST), texts[-1].replace("step", LAST)
    return {"question": QUESTION, "sentences": texts, "seconds": seconds}


class Server:
    """One of the two pages."""

    def __init__(self, module: str, file: Path) -> None:
        command = [sys.executable, "-m", module, str(file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise SystemExit(f"{module} did not start. Run 'python -m {module} FILE' to see why.")

    def seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser that has seen nothing yet."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or ""))
    try:
        driver.set_script_timeout(PATIENCE)
        driver.execute_cdp_cmd("Performance.enable", {})
        watch = WATCH.replace("FIRST", json.dumps(FIRST)).replace("LAST", json.dumps(LAST))
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": watch})
        yield driver
    finally:
        driver.quit()


def visit(server: Server) -> dict[str, dict[str, float]]:
    """Everything one new reader sees: the page twice, and the answer twice."""
    with chromium() as driver:
        return {
            "first visit": load(driver, server.url),
            "second visit": load(driver, server.url),
            "answer": ask(driver, server),
            "answer below another": ask(driver, server),
        }


def load(driver: webdriver.Chrome, url: str) -> dict[str, float]:
    """Opens the page."""
    traffic(driver)
    driver.get(url)
    until(lambda: driver.execute_script("return seen.usable"))
    until(lambda: quiet(driver))
    seen = driver.execute_script("return seen")
    weight = traffic(driver)
    ends = [start + length for start, length in seen["long"]]
    return {
        "usable ms": seen["usable"],
        "interactive ms": max([seen["usable"], *ends]),
        "requests": weight["requests"],
        "kB": weight["bytes"] / 1000,
        "shift": shift(seen["shifts"]),
    }


def ask(driver: webdriver.Chrome, server: Server) -> dict[str, float]:
    """Asks, and waits for the end of the answer."""
    box = next(box for box in driver.find_elements(By.CSS_SELECTOR, "textarea") if box.is_displayed())
    box.send_keys(QUESTION)
    until(lambda: quiet(driver))
    traffic(driver)
    before, used = counters(driver), server.seconds()
    box.send_keys("\ue007")
    time.sleep(1)
    until(lambda: driver.execute_script("return seen.last"), every=1.0)
    until(lambda: quiet(driver))
    seen, after = driver.execute_script("return seen"), counters(driver)
    frames = [frame for frame in seen["frames"] if frame >= seen["first"]]
    gaps = [late - early for early, late in pairwise(frames)]
    lost = sum(max(0, round(gap / FRAME) - 1) for gap in gaps)
    return {
        "first word ms": seen["first"] - seen["sent"],
        "last word ms": seen["last"] - seen["sent"],
        "dropped %": 100 * lost / (lost + len(gaps)),
        "longest frame ms": max(gaps),
        "blocked ms": sum(length - 50 for _, length in seen["long"]),
        "shift": shift(seen["shifts"]),
        "kB": traffic(driver)["bytes"] / 1000,
        "browser s": after["ThreadTime"] - before["ThreadTime"],
        "server s": server.seconds() - used,
        "heap MB": after["JSHeapUsedSize"] / 1e6,
    }


def quiet(driver: webdriver.Chrome) -> bool:
    """A second has gone by since the page was there, the last word was read, or a long task ended."""
    busy = "Math.max(seen.usable, seen.last, ...seen.long.map(([start, length]) => start + length))"
    return bool(driver.execute_script(f"return performance.now() - {busy} > 1000"))


def counters(driver: webdriver.Chrome) -> dict[str, float]:
    """Chromium's own counters of the page."""
    found = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return {metric["name"]: metric["value"] for metric in found}


def traffic(driver: webdriver.Chrome) -> dict[str, float]:
    """Requests and bytes on the wire since the log was last read; what comes from the cache is neither."""
    asked: set[str] = set()
    cached: set[str] = set()
    size: dict[str, float] = {}
    for entry in driver.get_log("performance"):  # type: ignore[no-untyped-call]
        message = json.loads(entry["message"])["message"]
        event, key = message["params"], message["params"].get("requestId", "")
        match message["method"]:
            case "Network.requestWillBeSent" if event["request"]["url"].startswith("http"):
                asked.add(key)
            case "Network.requestServedFromCache":
                cached.add(key)
            case "Network.responseReceived":
                if event["response"].get("fromDiskCache"):
                    cached.add(key)
                size[key] = size.get(key, 0) + event["response"]["encodedDataLength"]
            case "Network.dataReceived":
                size[key] = size.get(key, 0) + (event["encodedDataLength"] or 0)
            case "Network.loadingFinished":
                size[key] = max(size.get(key, 0), event["encodedDataLength"])
    fetched = {key: value for key, value in size.items() if key not in cached}
    return {"requests": len(asked - cached), "bytes": sum(fetched.values())}


def shift(entries: Sequence[Sequence[float]]) -> float:
    """Cumulative layout shift: the worst window of at most five seconds without a gap of one."""
    worst, total, begun, last = 0.0, 0.0, 0.0, -1e9
    for start, value in entries:
        if start - last > 1000 or start - begun > 5000:
            total, begun = 0.0, start
        total, last = total + value, start
        worst = max(worst, total)
    return worst


def until(condition: Callable[[], Any], every: float = 0.1) -> None:
    """Waits for it."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("The page did not come to an end in time.")
        time.sleep(every)


def summary(rounds: Sequence[dict[str, dict[str, dict[str, float]]]]) -> list[tuple[str, str, float, float, float]]:
    """Part, measure, the median of each side, and the median of the rounds' ratios."""
    ours, peers = SIDES
    rows = []
    for part, measures in rounds[0][ours].items():
        for name in measures:
            pairs = [(seen[ours][part][name], seen[peers][part][name]) for seen in rounds]
            ratios = [mine / theirs for mine, theirs in pairs if theirs]
            middle = statistics.median(ratios) if ratios else float("nan")
            rows.append((part, name, *(statistics.median(side) for side in zip(*pairs, strict=True)), middle))
    return rows


def main() -> None:
    """Runs the rounds and prints a line for each measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.02, help="before each word")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "answer.json"
        file.write_text(json.dumps(answer(given.seconds)), encoding="utf-8")
        servers = {}
        for name, module in SIDES.items():
            servers[name] = Server(module, file)
            stack.callback(servers[name].stop)
        for server in servers.values():  # what only the first visit ever costs
            visit(server)
        rounds = [{name: visit(server) for name, server in servers.items()} for _ in range(given.rounds)]
    if given.output:
        given.output.write_text(json.dumps(rounds, indent=1) + "\n", encoding="utf-8")
    print(f"{'':<22}{'':<18}{'  '.join(f'{name:>13}' for name in SIDES)}  ratio")
    for part, name, mine, theirs, ratio in summary(rounds):
        print(f"{part:<22}{name:<18}{mine:>13.3f}  {theirs:>13.3f}  {ratio:5.2f}")


if __name__ == "__main__":
    main()
