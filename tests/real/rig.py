"""A server, those who ask it and add papers to it, and whoever starts it again: what faults are tried on."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.real.conftest import Paperchat
from tests.real.serving import KEY, Server
from tests.real.test_kills import record
from tests.real.test_servers import free_port
from tests.ui.api_client import events

HEADERS = {"authorization": f"Bearer {KEY}"}
QUESTIONS = (
    "What does MInference speed up, and by how much?",
    "What do the authors trace the decline with more retrieved passages to?",
    "What does AMFT propose?",
    "Which papers are about agents?",
    "What is the melting point of iron?",
)
ASKERS = 2
BATCH = 12
BATCHES = 30
# A slow machine is no fault.
PATIENCE = 300.0
# What is wrong, and what to do.
TOLD = re.compile(r"[A-Z][^.?]+[.?] [A-Z].+[.?]", re.DOTALL)


@dataclass
class Seen:
    """What clients saw.

    Attributes:
        right: Answers as they were before the fault.
        told: Refusals in one sentence that says what is wrong and one that says what to do, by code.
        broken: Connections that could not be made or broke off.
        wrong: Answers given as good that were not.
        rude: Any other response.
    """

    right: int = 0
    told: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    wrong: list[str] = field(default_factory=list)
    rude: list[str] = field(default_factory=list)

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            self.right + other.right,
            self.told + other.told,
            self.broken + other.broken,
            self.wrong + other.wrong,
            self.rude + other.rude,
        )


class Rig:
    """`paperchat serve` on a port that it keeps, started again when it dies, as systemd or Docker would."""

    def __init__(self, paperchat: Paperchat, *options: str, **env: str) -> None:
        self.paperchat = paperchat
        self.options = (*options, "--port", str(free_port()))
        # Every paper is a candidate: one that lies near a cut by rank would be taken for lost now and then.
        self.env = {"PAPERCHAT_API_KEY": KEY, "PAPERCHAT_CANDIDATES": "2000", **env}
        self.seen = Seen()
        self.restarts = 0
        self.papers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._batches = 0
        self._loading = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.server = self._started()
        self.expected = {question: self._answer(question) for question in QUESTIONS}
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    # --- the server ------------------------------------------------------------------------------

    def _started(self) -> Server:
        return Server(self.paperchat, *self.options, **self.env).wait()

    def _keep(self) -> None:
        while not self._ended.wait(0.1):
            if self.server.process.poll() is not None:
                self.restarts += 1
                with suppress(AssertionError):  # it died again: again
                    self.server = self._started()

    def end(self) -> None:
        """Stops everything."""
        self.rest()
        self._ended.set()
        self._keeper.join()
        self.server.stop()

    # --- those who use it ------------------------------------------------------------------------

    def load(self, *, writing: bool = True) -> None:
        """Lets clients ask, and one add papers, until `rest`."""
        self._loading.set()
        jobs: list[Callable[[], None]] = [self._keep_asking] * ASKERS
        jobs += [self._keep_writing] * writing
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def rest(self) -> None:
        """Ends the load."""
        self._loading.clear()
        for thread in self._threads:
            thread.join(PATIENCE)

    def until_right(self) -> float:
        """Seconds until every question is answered as before.

        Raises:
            TimeoutError: That did not come about.
        """
        start = time.monotonic()
        while time.monotonic() < start + PATIENCE:
            if all(self._ask(question).right for question in QUESTIONS):
                return time.monotonic() - start
            time.sleep(0.1)
        raise TimeoutError(f"not back after {PATIENCE:.0f} s")

    def lost(self) -> list[str]:
        """What is missing of the papers whose upload was acknowledged: from the records, or from a search."""
        missing = []
        with httpx.Client(base_url=self.server.url, headers=HEADERS, timeout=PATIENCE) as http:
            for paper_id, title in self.papers.items():
                found = http.get(f"/v1/papers/{paper_id}")
                if found.status_code != 200 or found.json()["title"] != title:
                    missing.append(f"{paper_id}: {found.text[:200]}")
            for paper_id in random.Random(1).sample(list(self.papers), min(8, len(self.papers))):
                rows = http.post("/v1/search", json={"query": f"report r{paper_id[1:]}", "k": 50}).json()
                ranks = [(row["dense_rank"], row["lexical_rank"]) for row in rows if row["paper_id"] == paper_id]
                if not ranks or None in ranks[0]:
                    missing.append(f"{paper_id}: found as {ranks}")
        return missing

    def _keep_asking(self) -> None:
        chance = random.Random(threading.get_ident())
        while self._loading.is_set():
            seen = self._ask(chance.choice(QUESTIONS), stream=chance.random() < 0.5)
            with self._lock:
                self.seen += seen
            time.sleep(0.05)

    def _keep_writing(self) -> None:
        while self._loading.is_set():
            # The same papers again in another edition: a collection that grows without end is another collection, in
            # which other answers are right.
            edition, batch = divmod(self._batches, BATCHES)
            first = 1000 + BATCH * batch
            rows = [record(number, f"no. {edition}") for number in range(first, first + BATCH)]
            # One that was not acknowledged is sent again, under the next load too.
            self._batches += self._uploaded(rows)
            time.sleep(0.2)

    def _uploaded(self, rows: list[dict[str, Any]]) -> bool:
        body = "".join(json.dumps(row) + "\n" for row in rows)
        headers = {**HEADERS, "content-type": "application/x-ndjson"}
        try:
            response = httpx.post(f"{self.server.url}/v1/papers", content=body, headers=headers, timeout=PATIENCE)
        except httpx.HTTPError:
            with self._lock:
                self.seen.broken += 1
            return False
        if response.status_code == 200:
            counts = response.json()
            if counts["new"] + counts["updated"] + counts["unchanged"] == len(rows):
                self.papers |= {row["_id"]: row["title"] for row in rows}
                return True
        seen = Seen()
        _refused(response.status_code, response.text, seen)
        with self._lock:
            self.seen += seen
        return False

    def _ask(self, question: str, *, stream: bool = False) -> Seen:
        seen = Seen()
        try:
            response = self._sent(question, stream)
        except httpx.HTTPError:
            seen.broken += 1
            return seen
        if response.status_code != 200:
            _refused(response.status_code, response.text, seen)
            return seen
        answer: Any
        if stream:
            found = events(response.text)
            failed = [event for event in found if isinstance(event, dict) and "error" in event]
            if failed:
                _refused(503, json.dumps(failed[0]), seen)
                return seen
            if not found or found[-1] != "[DONE]":
                seen.broken += 1
                return seen
            answer = next(event["paperchat"] for event in found if isinstance(event, dict) and "paperchat" in event)
        else:
            answer = response.json()["paperchat"]
        told = essence(answer)
        if told == self.expected[question]:
            seen.right += 1
        else:
            seen.wrong.append(f"{question} {told}, not {self.expected[question]}")
        return seen

    def _answer(self, question: str) -> str:
        return essence(self._sent(question, stream=False).json()["paperchat"])

    def _sent(self, question: str, stream: bool) -> httpx.Response:
        body = {"model": "paperchat", "messages": [{"role": "user", "content": question}], "stream": stream}
        url = f"{self.server.url}/v1/chat/completions"
        return httpx.post(url, json=body, headers=HEADERS, timeout=PATIENCE)


def essence(answer: dict[str, Any]) -> str:
    """What an answer claims, and on which papers it rests."""
    said = [(s["text"], s["support"]["verdict"], s["support"]["paper_id"]) for s in answer["sentences"]]
    return json.dumps([answer["mode"], said], ensure_ascii=False)


def _refused(status: int, text: str, seen: Seen) -> None:
    """Notes a refusal: an honest one says what is wrong and what to do."""
    try:
        error = json.loads(text)["error"]
        honest = status in (429, 503) and TOLD.fullmatch(error["message"])
    except (ValueError, KeyError, TypeError):
        honest = None
    if honest:
        seen.told[f"{status} {error['code']}"] += 1
    else:
        seen.rude.append(f"{status} {text[:300]}")


class Process:
    """Another program that the server needs, killed and started again by hand."""

    def __init__(self, command: list[str], url: str, log: Path) -> None:
        self._command = command
        self._url = url
        self._log = log
        self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                if httpx.get(self._url).status_code == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(self._log.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


def chroma(folder: Path) -> tuple[Process, str]:
    """`chroma run` over a folder, and its address."""
    port = free_port()
    program = str(Path(sys.executable).with_name("chroma"))
    command = [program, "run", "--path", str(folder / "chroma"), "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    return Process(command, f"{url}/api/v2/heartbeat", folder / "chroma.log"), url


def model(folder: Path) -> tuple[Process, str]:
    """A model server, and its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    command = [sys.executable, "-m", "tests.real.model_process", str(port)]
    return Process(command, f"{url}/models", folder / "model.log"), url
