"""`paperchat chat` in a process of its own, as a user starts it: real models, real Chroma."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.real.conftest import PATIENCE, command, environment


class ChatProcess:
    """The page over the sample papers; started again, it finds its conversations and its index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / "index"
        self.reports = folder / "reports"
        self.url = ""
        self.port = 0  # any, and the same one from then on
        self._log = folder / "chat.log"
        self._process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> str:
        """What it wrote on standard error."""
        return self._log.read_text(encoding="utf-8")

    def start(self) -> str:
        """Returns the page's address once it can be opened; models may still load."""
        kept = {
            "PAPERCHAT_INDEX": str(self.index),
            "PAPERCHAT_CONVERSATIONS": str(self.folder / "conversations.sqlite"),
            "PAPERCHAT_REPORTS": str(self.reports),
        }
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                command("chat", "--port", self.port, "--samples"),
                cwd=self.folder,
                env=environment(**kept),
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "http://" in line, self.log
        self.url = line.split(" is at ")[1].split()[0].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])
        return self.url

    def kill(self) -> None:
        """As when the power fails: the process is told nothing."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As with Ctrl+C, and by force where that does not end it."""
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10 if how is signal.SIGTERM else PATIENCE)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
