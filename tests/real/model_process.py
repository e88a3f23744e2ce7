"""`python -m tests.real.model_process PORT`: an OpenAI-compatible server to be killed; it writes slowly."""

from __future__ import annotations

import sys
import time

from tests.real.test_servers import ANSWER, OpenAIServer, Speaker

SECONDS_A_WORD = 0.03


def script(to: Speaker) -> None:
    to.begin()
    for word in ANSWER.split():
        to.piece(word + " ")
        time.sleep(SECONDS_A_WORD)
    to.finish()


def main() -> None:
    server = OpenAIServer(int(sys.argv[1]))
    server.script = script
    server.serve_forever()


if __name__ == "__main__":
    main()
