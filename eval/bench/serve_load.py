"""Load on `paperchat serve` from a second process: waiting times, throughput, errors, memory, fairness.

Every user asks, reads the streamed answer to its end, and asks the next question at once; told to come
back, it waits as long as it was told. Questions are made from the titles in the index.

    python -m eval.bench.serve_load --index INDEX --users 1 8 32 64 --minutes 5 --output load.json
    python -m eval.bench.serve_load --index INDEX --users 64 --minutes 5 --search
    python -m eval.bench.serve_load --url http://127.0.0.1:7861 --index INDEX --users 8 --minutes 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 600.0
SAMPLE_SECONDS = 1.0
TEMPLATES = ("What does {} propose?", "Which problem does {} address?", "What are the results of {}?")


@dataclass
class User:
    """What one user saw."""

    first: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    turned_away: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass
class Server:
    """The server under load, ours or one that runs already."""

    url: str
    key: str
    process: subprocess.Popen[str] | None

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    def stop(self) -> None:
        """Ends a server of our own."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


def started(index: Path, search: bool, users: int) -> Server:
    """A server of our own, once it is ready."""
    key = secrets.token_hex(16)
    command = [sys.executable, "-m", "ui.cli", "serve", "--index", str(index), "--port", "0"]
    environ = {**os.environ, "PAPERCHAT_API_KEY": key, "PAPERCHAT_API_WAITING": str(max(64, users))}
    process = subprocess.Popen(
        command + (["--no-generate"] if search else []),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=environ,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if "serves " not in line:
        raise SystemExit("The server did not start. Run 'paperchat serve' to see why.")
    server = Server(line.split("serves ")[1].split("/v1")[0], key, process)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{server.url}/readyz").status_code == 200:
                return server
        time.sleep(0.2)
    raise SystemExit("The server did not become ready. Run 'paperchat serve' to see why.")


def questions(index: Path) -> list[str]:
    """Questions about the papers of the index."""
    listed = subprocess.run(
        [sys.executable, "-m", "ui.cli", "papers", "list", "--json", "--index", str(index)],
        capture_output=True, encoding="utf-8", check=True,
    ).stdout  # fmt: skip
    titles = [row["title"].partition(":")[0] for row in json.loads(listed)[:200]]
    return [template.format(title) for title in titles for template in TEMPLATES]


async def ask(http: httpx.AsyncClient, question: str, search: bool, user: User) -> float:
    """One request; gives the seconds to wait before the next."""
    start = time.perf_counter()
    if search:
        response = await http.post("/v1/search", json={"query": question, "k": 10})
        return noted(response, start, None, user)
    body = {"model": "paperchat", "messages": [{"role": "user", "content": question}], "stream": True}
    async with http.stream("POST", "/v1/chat/completions", json=body) as response:
        first: float | None = None
        done = False
        if response.status_code == 200:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line[6:])
                    if "error" in event:
                        user.errors.append(event["error"]["code"])
                        return 0.0
                    if first is None and event["choices"] and event["choices"][0]["delta"].get("content"):
                        first = time.perf_counter() - start
                done = done or line == "data: [DONE]"
            if not done:
                user.errors.append("broken stream")
                return 0.0
        return noted(response, start, first, user)


def noted(response: httpx.Response, start: float, first: float | None, user: User) -> float:
    """Puts a response down."""
    if response.status_code == 200:
        user.full.append(time.perf_counter() - start)
        if first is not None:
            user.first.append(first)
        return 0.0
    if response.status_code == 429:
        user.turned_away += 1
        return float(response.headers.get("retry-after", 1))
    user.errors.append(str(response.status_code))
    return 0.1


async def load(server: Server, asked: list[str], users: int, seconds: float, search: bool) -> dict[str, Any]:
    """All users for so many seconds."""
    seen = [User() for _ in range(users)]
    memory: list[float] = []
    limits = httpx.Limits(max_connections=users + 4)
    options: dict[str, Any] = {"base_url": server.url, "headers": server.headers, "timeout": PATIENCE, "limits": limits}
    start = time.perf_counter()
    end = start + seconds

    async def one(number: int) -> None:
        turn = number
        while time.perf_counter() < end:
            try:
                wait = await ask(http, asked[turn % len(asked)], search, seen[number])
            except httpx.HTTPError as error:
                seen[number].errors.append(type(error).__name__)
                wait = 0.1
            await asyncio.sleep(min(wait, max(0.0, end - time.perf_counter())))
            turn += users

    async def watch() -> None:
        while server.process is not None:  # of another's process only its own numbers could tell
            memory.append(resident(server.process.pid))
            await asyncio.sleep(SAMPLE_SECONDS)

    async with httpx.AsyncClient(**options) as http:
        watching = asyncio.ensure_future(watch())
        await asyncio.gather(*(one(number) for number in range(users)))
        watching.cancel()
    return summary(seen, memory, time.perf_counter() - start)


def resident(process_id: int) -> float:
    """Memory of a process in MB."""
    pages = int(Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def summary(seen: list[User], memory: list[float], seconds: float) -> dict[str, Any]:
    """The table's row."""
    full = [value for user in seen for value in user.full]
    first = [value for user in seen for value in user.first]
    means = [statistics.fmean(user.full) for user in seen if user.full]
    half = memory[len(memory) // 2 :]
    errors: dict[str, int] = {}
    for user in seen:
        for error in user.errors:
            errors[error] = errors.get(error, 0) + 1
    return {
        "users": len(seen),
        "seconds": round(seconds, 1),
        "answers": len(full),
        "per_second": round(len(full) / seconds, 3),
        "first_p50": quantile(first, 0.5),
        "first_p95": quantile(first, 0.95),
        "full_p50": quantile(full, 0.5),
        "full_p95": quantile(full, 0.95),
        "full_p99": quantile(full, 0.99),
        "turned_away": sum(user.turned_away for user in seen),
        "errors": errors,
        "users_without_an_answer": sum(not user.full for user in seen),
        "slowest_user_to_median": round(max(means) / statistics.median(means), 2) if means else None,
        "memory_mb": [round(value) for value in memory],
        "memory_growth_last_half": round(half[-1] / half[0] - 1, 4) if half else None,
    }


def quantile(values: list[float], share: float) -> float | None:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None


def main() -> None:
    """Runs every number of users in turn and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--url", default="", help="a server that runs already; its token in PAPERCHAT_API_KEY")
    parser.add_argument("--users", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--search", action="store_true", help="retrieval only")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    asked, rows = questions(given.index), []
    for users in given.users:
        server = (
            Server(given.url.rstrip("/"), os.environ.get("PAPERCHAT_API_KEY", ""), None)
            if given.url
            else started(given.index, given.search, users)
        )
        try:
            row = asyncio.run(load(server, asked, users, given.minutes * 60, given.search))
        finally:
            server.stop()
        rows.append(row)
        print(json.dumps({key: value for key, value in row.items() if key != "memory_mb"}), flush=True)
    if given.output:
        given.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
