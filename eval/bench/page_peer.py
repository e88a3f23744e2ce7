"""`python -m eval.bench.page_peer ANSWER`: Gradio's own chat page with its defaults, streaming the answer of the file.

ANSWER is the file that `tests.browser.page_process` reads; citations are written as `[n]`. Prints the page's address.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

PAPERS = 10


def main() -> None:
    """Serves the page until it is stopped."""
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    cited = (f"{text} [{n % PAPERS + 1}]" for n, text in enumerate(given["sentences"]))
    words = " ".join(cited).split(" ")

    def answer(question: str, history: list[Any]) -> Iterator[str]:
        time.sleep(5 * given["seconds"])  # where the other page searches
        for end in range(1, len(words) + 1):
            time.sleep(given["seconds"])
            yield " ".join(words[:end])

    app = gr.ChatInterface(answer)
    _, url, _ = app.launch(server_name="127.0.0.1", quiet=True, prevent_thread_lock=True)
    print(url, flush=True)
    app.block_thread()


if __name__ == "__main__":
    main()
