"""What goes wrong in a server room, done to a server under light load, again and again.

    python -m tests.real.faults --times 10 --output faults.json
    python -m tests.real.faults --times 2 --only "server killed" "clock jumps"

Two clients ask all the time and one adds papers. Each fault lasts a while and is then lifted. Counted are what
the clients saw, the seconds until every question was answered as before, what somebody had to do for it, and
papers lost although their upload had been acknowledged. `--real-models` uses the bundled embedding model instead
of a hashed bag of words.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tests.real.conftest import Paperchat
from tests.real.rig import Process, Rig, Seen, chroma, model

FAKE = "tests.real.serve_process"
SECONDS_BEFORE, SECONDS_OF_HARM = 1.0, 2.0
SMALL_DISK = "160m"
CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
Harm = Callable[["Scene", random.Random], Iterator[None]]


@dataclass
class Scene:
    """A rig, its folder, and the other programs it needs."""

    folder: Path
    rig: Rig
    chroma: Process | None = None
    model: Process | None = None

    @property
    def stores(self) -> Path:
        """Folder of the index's stores."""
        return next(self.rig.paperchat.index.glob("stores-*"))

    def stopped(self) -> None:
        """Kills the server and waits until the keeper has started it again."""
        # It may have died of the fault already, and the keeper be about to replace it.
        server = self.rig.server
        server.stop(signal.SIGKILL)
        while self.rig.server is server:
            time.sleep(0.02)


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: As in the table.
        harm: Does it up to its `yield`, and lifts it afterwards.
        needs: `chroma` or `model`: a server of that kind beside it; `memory`: the bundled model, which fails;
            `disk`: a small disk of its own; `clock`: libfaketime.
        hands: What somebody has to do before it goes on, in words.
        writing: Are papers added meanwhile?
        quick: Is it part of CI?
    """

    name: str
    harm: Harm
    needs: str = ""
    hands: str = "none"
    writing: bool = True
    quick: bool = True


def server_killed(scene: Scene, chance: random.Random) -> Iterator[None]:
    scene.rig.server.process.kill()
    yield


def chroma_killed(scene: Scene, chance: random.Random) -> Iterator[None]:
    assert scene.chroma is not None
    scene.chroma.kill()
    yield
    scene.chroma.start()


def model_killed(scene: Scene, chance: random.Random) -> Iterator[None]:
    assert scene.model is not None
    scene.model.kill()
    yield
    scene.model.start()


def files_cannot_grow(scene: Scene, chance: random.Random) -> Iterator[None]:
    """A limit on the size of files makes every write fail that would make one larger; nobody needs to be root."""
    pid = scene.rig.server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (chance.choice([0, 4096, 60_000, 400_000]), before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def disk_full(scene: Scene, chance: random.Random) -> Iterator[None]:
    """Somebody else's file takes all that is left, to the last byte."""
    filler = scene.rig.paperchat.index / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue
        finally:
            os.fsync(file.fileno())
    yield
    filler.unlink()


def slow_disk(scene: Scene, chance: random.Random) -> Iterator[None]:
    """Every call that reads, writes or flushes a file by its place takes 20 ms more."""
    calls = "fsync,fdatasync,pwrite64,pread64,openat"
    delay = ["-e", f"trace={calls}", "-e", f"inject={calls}:delay_enter=20000"]
    pid = str(scene.rig.server.process.pid)
    strace = subprocess.Popen(["strace", "-f", "-q", "-p", pid, "-o", "/dev/null", *delay], stderr=subprocess.DEVNULL)
    yield
    strace.terminate()
    strace.wait()


def catalog_page_corrupt(scene: Scene, chance: random.Random) -> Iterator[None]:
    """A page of the records is overwritten; afterwards it is restored, as from a backup."""
    path = scene.stores / "papers.sqlite"
    with sqlite3.connect(path) as database:  # everything from the log into the file
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.execute("PRAGMA page_size").fetchone()[0]
    database.close()
    pages = path.stat().st_size // size
    place = chance.randrange(pages) * size
    with path.open("r+b") as file:
        file.seek(place)
        before = file.read(size)
        kind = chance.choice(["zeros", "noise", "letters"])
        # Letters in place of letters: nothing but a checksum can tell.
        letters = bytes(ord("x") if chr(b).isalpha() and chance.random() < 0.05 else b for b in before)
        file.seek(place)
        file.write({"zeros": bytes(size), "noise": chance.randbytes(size), "letters": letters}[kind])
    yield
    with path.open("r+b") as file:
        file.seek(place)
        file.write(before)


def vectors_truncated(scene: Scene, chance: random.Random) -> Iterator[None]:
    """A file of the vector graph is cut in half under the running server, which then dies."""
    files = [path for path in (scene.stores / "chroma").glob("*/*") if path.stat().st_size]
    path = chance.choice(files)
    os.truncate(path, path.stat().st_size // 2)
    yield
    scene.stopped()


def vector_log_truncated(scene: Scene, chance: random.Random) -> Iterator[None]:
    """The database of the vector store is cut in half; it holds the vectors themselves, so they are made again."""
    path = scene.stores / "chroma" / "chroma.sqlite3"
    os.truncate(path, path.stat().st_size // 2)
    yield
    done = scene.rig.paperchat("reindex")
    assert done.code == 0, done.err


def terms_truncated(scene: Scene, chance: random.Random) -> Iterator[None]:
    """A file of the term index is cut in half under the running server."""
    files = [path for path in (scene.stores / "terms").iterdir() if path.stat().st_size]
    path = chance.choice(files)
    os.truncate(path, path.stat().st_size // 2)
    yield
    scene.stopped()


def clock_jumps(scene: Scene, chance: random.Random) -> Iterator[None]:
    """The clock goes a day forward, a year back, and right again."""
    clock = scene.folder / "clock"
    clock.write_text("+1d" if chance.random() < 0.5 else "-365d", encoding="utf-8")
    yield
    clock.write_text("+0", encoding="utf-8")


def out_of_memory(scene: Scene, chance: random.Random) -> Iterator[None]:
    switch = scene.folder / "no-memory"
    switch.touch()
    yield
    time.sleep(SECONDS_OF_HARM)  # reading the prompt alone may take as long as other faults last
    switch.unlink()


FAULTS = (
    Fault("server killed", server_killed),
    Fault("chroma run killed", chroma_killed, "chroma", quick=False),
    Fault("model server killed", model_killed, "model"),
    Fault("files cannot grow", files_cannot_grow),
    Fault("disk full", disk_full, "disk", quick=False),
    Fault("slow disk", slow_disk, quick=False),
    Fault("catalog page corrupt", catalog_page_corrupt, hands="the file restored", writing=False),
    Fault("vector file truncated", vectors_truncated),
    Fault("vector log truncated", vector_log_truncated, hands="paperchat reindex", writing=False, quick=False),
    Fault("term file truncated", terms_truncated),
    Fault("clock jumps", clock_jumps, "clock", quick=False),
    Fault("out of memory", out_of_memory, "memory", quick=False),
)


def missing(fault: Fault) -> str:
    """What this machine lacks for a fault; empty where it can be made."""
    if fault.harm is slow_disk and not shutil.which("strace"):
        return "strace"
    if fault.needs == "clock" and not Path(os.environ.get("LIBFAKETIME", CLOCK)).is_file():
        return "libfaketime"
    if fault.needs == "disk" and os.geteuid():
        return "root, to mount a small disk"
    return ""


def scene_of(fault: Fault, folder: Path, program: str) -> Scene:
    """A filled index, and everything that serves it."""
    paperchat = Paperchat(folder, program)
    options: list[str] = ["--no-generate"]
    env: dict[str, str] = {}
    other: Process | None = None
    if fault.needs == "disk":
        paperchat.index.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", paperchat.index], check=True)
    if fault.needs == "chroma":
        other, url = chroma(folder)
        env["PAPERCHAT_CHROMA_URL"] = url
    if fault.needs == "model":
        other, url = model(folder)
        options = ["--model", url]
    if fault.needs == "memory":
        options = []
        env["MEMORY_SWITCH"] = str(folder / "no-memory")
    if fault.needs == "clock":
        (folder / "clock").write_text("+0", encoding="utf-8")
        env |= {
            "LD_PRELOAD": os.environ.get("LIBFAKETIME", CLOCK),
            "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
    filled = paperchat("ingest", "--json", env={name: env[name] for name in env if name == "PAPERCHAT_CHROMA_URL"})
    assert filled.code == 0, filled.err
    rig = Rig(paperchat, *options, **env)
    return Scene(folder, rig, other if fault.needs == "chroma" else None, other if fault.needs == "model" else None)


def tried(fault: Fault, times: int, program: str, seed: int) -> list[dict[str, Any]]:
    """The fault, `times` times on one server; a row for each."""
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="paperchat-faults-"))
    scene = scene_of(fault, folder, program)
    chance = random.Random(seed)
    try:
        for _ in tqdm(range(times), desc=fault.name, file=sys.stderr):
            rows.append(once(fault, scene, chance))
    finally:
        scene.rig.end()
        for other in (scene.chroma, scene.model):
            if other is not None:
                other.kill()
        if fault.needs == "disk":
            subprocess.run(["umount", scene.rig.paperchat.index], check=True)
        shutil.rmtree(folder)
    return rows


def once(fault: Fault, scene: Scene, chance: random.Random) -> dict[str, Any]:
    """One time: what the clients saw, how long it took, what is missing."""
    rig = scene.rig
    rig.seen, before = Seen(), rig.restarts
    rig.load(writing=fault.writing)
    time.sleep(SECONDS_BEFORE + chance.random())
    harm = fault.harm(scene, chance)
    next(harm)
    time.sleep(SECONDS_OF_HARM)
    next(harm, None)
    back = rig.until_right()
    time.sleep(SECONDS_BEFORE)
    rig.rest()
    seen = rig.seen
    return {
        "right": seen.right,
        "told": dict(seen.told),
        "broken": seen.broken,
        "wrong": seen.wrong,
        "rude": seen.rude,
        "restarts": rig.restarts - before,
        "seconds_until_back": round(back, 2),
        "papers": len(rig.papers),
        "lost": rig.lost(),
    }


def line(fault: Fault, rows: list[dict[str, Any]]) -> str:
    """A row of the table."""
    told: dict[str, int] = {}
    for row in rows:
        for code, count in row["told"].items():
            told[code] = told.get(code, 0) + count
    sums = [sum(row["right"] for row in rows), sum(told.values()), sum(row["broken"] for row in rows)]
    lists = [sum(len(row[name]) for row in rows) for name in ("wrong", "rude", "lost")]
    back = sorted(row["seconds_until_back"] for row in rows)
    codes = ", ".join(sorted(told)) or "none"
    cells = [fault.name, len(rows), *sums, codes, *lists, back[len(back) // 2], back[-1], fault.hands]
    return "| " + " | ".join(map(str, cells)) + " |"


HEAD = (
    "| fault | times | right | told | broken | codes | wrong | rude | lost | back, median s | back, longest s | by hand |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Every fault in turn; prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--only", nargs="+", default=[fault.name for fault in FAULTS])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real-models", action="store_true")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    results: dict[str, Any] = {}
    sys.stdout.write(HEAD + "\n")
    for fault in FAULTS:
        if fault.name not in given.only:
            continue
        if lacking := missing(fault):
            sys.stdout.write(f"| {fault.name} | not made here: needs {lacking} |\n")
            continue
        rows = tried(fault, given.times, "ui.cli" if given.real_models else FAKE, given.seed)
        results[fault.name] = rows
        sys.stdout.write(line(fault, rows) + "\n")
        sys.stdout.flush()
        if given.output:
            given.output.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
