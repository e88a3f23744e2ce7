"""`make conformance`: thousands of requests that schemathesis makes from the OpenAPI page, to a real server.

    python -m tests.real.conformance --program PATH/TO/schemathesis --cases 500 --seed 1

The server is `paperchat serve` over the sample papers with a token. A model server that says what it is told
writes its answers, so that an answer takes as long as finding and checking it. Printed are schemathesis' own
report and the statuses that the server counted; any 5xx, anything that the description does not promise and
any traceback in the log is a failure.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import httpx

from tests.real.conftest import Paperchat
from tests.real.serving import KEY, Server
from tests.real.test_servers import OpenAIServer

CONFIG = Path(__file__).with_name("schemathesis.toml")
COUNTED = re.compile(r'^paperchat_requests_total\{path="(.*?)",method="(.*?)",status="(.*?)"\} (\S+)$')


def run(program: str, cases: int, seed: int, paperchat: Paperchat) -> int:
    """Serves the index, lets schemathesis at it; gives the exit code."""
    model = OpenAIServer()
    threading.Thread(target=model.serve_forever, daemon=True).start()
    server = Server(paperchat, "--model", model.url, PAPERCHAT_API_KEY=KEY).wait()
    try:
        many = ["-n", cases, "--seed", seed, "--request-timeout", 120, "--suppress-health-check", "too_slow"]
        arguments = [f"{server.url}/openapi.json", "-H", f"Authorization: Bearer {KEY}", *many]
        command = [program, "--config-file", CONFIG, "run", *arguments]
        code = subprocess.run([str(part) for part in command], cwd=paperchat.folder, check=False).returncode
        statuses = counted(httpx.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {KEY}"}).text)
    finally:
        server.stop()
        model.shutdown()
    log = server.log.read_text(encoding="utf-8")
    wrong = [status for status in statuses if status.startswith("5")]
    told = {"requests": sum(statuses.values()), "statuses": dict(sorted(statuses.items())), "errors": wrong}
    sys.stdout.write(json.dumps({**told, "traceback": "Traceback" in log, "token in the log": KEY in log}) + "\n")
    return code or bool(wrong or "Traceback" in log or KEY in log)


def counted(metrics: str) -> Counter[str]:
    """How many requests ended with each status, but for the question whether it is ready."""
    found: Counter[str] = Counter()
    for line in metrics.splitlines():
        match = COUNTED.match(line)
        if match and match[1] != "/readyz":  # 503 there is what it is for
            found[match[3]] += int(float(match[4]))
    return found


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="schemathesis", help="schemathesis 4.32.5")
    parser.add_argument("--cases", type=int, default=500, help="for each operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fake-models", action="store_true", help="no embedding model either: starts in seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paperchat = Paperchat(Path(folder), "tests.real.serve_process" if given.fake_models else "ui.cli")
        sys.stderr.write("Reading the sample papers ...\n")
        paperchat("ingest", "--json")
        return run(given.program, given.cases, given.seed, paperchat)


if __name__ == "__main__":
    sys.exit(main())
