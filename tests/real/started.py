"""Commands from a process that has imported what they need and done nothing yet: each is a fork of it.

A command imports torch, transformers and Chroma for six seconds before it begins, and the tests run hundreds. What a
fork does is what a process begun anew does: its own arguments, folder, environment, standard streams and exit code.
Tests of signals, limits and servers begin theirs anew, and so are the imports tested.
"""

from __future__ import annotations

import array
import atexit
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

IMPORTED = (
    "ui.cli",
    "chromadb",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
    "transformers.models.llama.modeling_llama",
    "rag.adapters.chroma",
    "rag.adapters.embedder",
    "rag.adapters.local",
)
STREAMS = 3


class Started:
    """The process that forks; begun with the first command."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        folder = Path(tempfile.mkdtemp(prefix="started-", dir="/tmp"))  # a socket's address is short
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._address = folder / "socket"
        program = [sys.executable, "-m", "tests.real.started", str(self._address)]
        self._process = subprocess.Popen(program, env=self._environment, stdout=subprocess.PIPE)
        atexit.register(self._process.kill)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether what was imported depends on nothing in which this environment differs."""
        differs = {name for name, value in environment.items() if self._environment.get(name) != value}
        missing = self._environment.keys() - environment.keys()
        return all(name.startswith("PAPERCHAT_") or name == "PYTEST_CURRENT_TEST" for name in differs | missing)

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of one command.

        Raises:
            TimeoutError: It took longer; it is killed.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open("rb") as nothing:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(timeout)
                line.connect(str(self._address))
                asked = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)})
                streams = array.array("i", [nothing.fileno(), out.fileno(), err.fileno()])
                line.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
                line.sendall(asked.encode() + b"\n")
                told = line.makefile("r")
                number = int(told.readline())
                try:
                    code = int(told.readline())
                except TimeoutError:
                    os.kill(number, signal.SIGKILL)
                    raise
            read = []
            for stream in (out, err):
                stream.seek(0)
                read.append(stream.read().decode("utf-8"))
        return code, read[0], read[1]


def main() -> None:
    """Imports, then forks for every connection; what is asked for in it is done by the fork's own fork."""
    for module in IMPORTED:
        __import__(module)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1])
    listening.listen()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks between
    os.write(1, b"ready\n")
    while True:
        line, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _between(line)
            return
        line.close()


def _between(line: socket.socket) -> None:
    """Tells how the command ended; returns in the command's own process."""
    _, ancillary, _, _ = line.recvmsg(1, socket.CMSG_SPACE(STREAMS * array.array("i").itemsize))
    streams = array.array("i", ancillary[0][2])
    asked = json.loads(line.makefile("r").readline())
    number = os.fork()
    if number:
        line.sendall(f"{number}\n".encode())
        _, status = os.waitpid(number, 0)
        line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    line.close()
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["paperchat", *asked["arguments"]]


if __name__ == "__main__":
    main()
    from ui.cli import main as command

    command()
