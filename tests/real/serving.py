"""`paperchat serve` in a process of its own, as a user starts it."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from typing import Any

import httpx
import openai

from tests.real.conftest import PATIENCE, Paperchat, command, environment

KEY = "a-long-and-secret-token"


class Server:
    """`paperchat serve` on a free port, or the one that `options` names."""

    def __init__(self, paperchat: Paperchat, *options: str, **env: str) -> None:
        self.log = paperchat.folder / "serve.log"
        settings = {"PAPERCHAT_INDEX": str(paperchat.index), "PAPERCHAT_LOG_FORMAT": "json", **env}
        with self.log.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command("serve", "--port", "0", *options, program=paperchat.program),
                cwd=paperchat.folder,
                env=environment(**settings),
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, self.log.read_text(encoding="utf-8")
        self.url = line.split("serves ")[1].split("/v1")[0]
        self.port = int(self.url.rpartition(":")[2])

    def wait(self) -> Server:
        """Until it can answer."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return self
            time.sleep(0.1)
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    def client(self, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE, **options)

    def metric(self, name: str) -> float:
        """One number of the metrics page."""
        text = httpx.get(f"{self.url}/metrics", headers={"authorization": f"Bearer {KEY}"}).text
        return float(next(line for line in text.splitlines() if line.startswith(name + " ")).rpartition(" ")[2])

    def stop(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE)
