"""Reader speed: paperchat's generator against llama.cpp on the same prompts and the same GGUF, in one run.

    pip install llama-cpp-python            # builds for about five minutes; any environment will do
    python -m eval.bench.reader --index DIR --llama-python /path/to/its/python

Prompts are those of real questions over the index. The two engines take turns on each prompt, so that a
machine whose speed drifts treats both alike; both decode greedily. Reported are medians, and the median
of the ratios pair by pair. Cold start is `paperchat ask` as a whole process until its first word.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from eval.answers import read_jsonl
from rag import build
from rag.config import Config
from rag.prompt import messages
from rag.protocols import GenerationLimits, Generator, Message
from rag.types import Context, Draft, Finished, Retrieved

QUESTIONS = Path(__file__).parents[1] / "questions" / "daily_papers.jsonl"

# Runs under the other Python: a line with a prompt in, a line with its timings out.
LLAMA = """
import json, sys, time
from llama_cpp import Llama
model = Llama(sys.argv[1], n_ctx=4096, n_threads=int(sys.argv[2]), verbose=False)
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    model.reset()
    start, first, tokens = time.perf_counter(), None, 0
    for piece in model.create_completion(job["prompt"], max_tokens=job["max_new_tokens"], temperature=0, stream=True):
        first = first or time.perf_counter() - start
        tokens += 1
    print(json.dumps({"first": first, "total": time.perf_counter() - start, "tokens": tokens}), flush=True)
"""


def main() -> None:
    """Measures and prints one JSON object and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--llama-python", type=Path, help="a Python that has llama-cpp-python")
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    given = parser.parse_args()

    config = Config.load({"index": given.index})
    asked = [q["question"] for q in read_jsonl(QUESTIONS) if q["kind"] in ("fact", "number")][: given.questions]
    report: dict[str, Any] = {"cold_ask_to_first_word_s": cold_ask(given.index, asked[0])}
    embedder, generator = build.build_embedder(config), build.build_generator(config)
    pipeline = build.assemble(config, build.open_index(config), embedder, generator)
    pipeline.ask(asked[0])  # warm: the first call of anything pays for its caches

    contexts: list[Context] = []
    whole: list[dict[str, float]] = []
    for question in asked:
        timing, context = whole_answer(pipeline, question)
        if context.passages:  # a refusal writes nothing
            whole.append(timing)
            contexts.append(context)
    report["whole_answer"] = {key: statistics.median(t[key] for t in whole) for key in whole[0]}
    prompts = [messages(context, config.sentences_read) for context in contexts]
    ours = Ours(generator, given.max_new_tokens)
    ours.run(prompts[0])
    theirs = Theirs(given.llama_python, given.max_new_tokens) if given.llama_python else None
    pairs = [(ours.run(prompt), theirs.run(prompt) if theirs else None) for prompt in prompts]
    report["prompt_tokens"] = statistics.median(generator.prompt_tokens(prompt) for prompt in prompts)
    report["paperchat"] = summary([mine for mine, _ in pairs])
    if theirs:
        report["llama.cpp"] = summary([other for _, other in pairs if other])
        report["ratio paperchat / llama.cpp"] = {
            key: round(statistics.median(mine[key] / other[key] for mine, other in pairs if other), 2)
            for key in ("first", "total", "tokens_per_s")
        }
    print(json.dumps(report, indent=1))


def cold_ask(index: Path, question: str) -> float:
    """Seconds from starting the command to the first word of its answer."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "ui.cli", "ask", question, "--index", str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        return time.perf_counter() - start


def whole_answer(pipeline: Any, question: str) -> tuple[dict[str, float], Context]:
    """Seconds to retrieval, to the first word written and to the checked answer."""
    start = time.perf_counter()
    marks: dict[str, float] = {}
    context = Context(question, ())
    for event in pipeline.stream(question):
        now = time.perf_counter() - start
        if isinstance(event, Retrieved):
            marks["retrieved"] = now
            context = event.context
        elif isinstance(event, Draft):
            marks.setdefault("first_word", now)
        elif isinstance(event, Finished):
            marks.setdefault("first_word", now)
            marks["checked_answer"] = now
    return marks, context


class Ours:
    """Paperchat's generator alone."""

    def __init__(self, generator: Generator, max_new_tokens: int) -> None:
        self._generator = generator
        self._limits = GenerationLimits(max_new_tokens)

    def run(self, prompt: list[Message]) -> dict[str, float]:
        """Timings of one prompt."""
        start = time.perf_counter()
        first, text = 0.0, ""
        for piece in self._generator.stream(prompt, self._limits, threading.Event()):
            first = first or time.perf_counter() - start
            text += piece
        return timing(first, time.perf_counter() - start, self._generator.count_tokens(text))


class Theirs:
    """llama.cpp in another process, on the packaged GGUF."""

    def __init__(self, python: Path, max_new_tokens: int) -> None:
        from transformers import AutoTokenizer

        config = Config.load()
        self._max = max_new_tokens
        self._template = AutoTokenizer.from_pretrained(str(build.bundled_folder(config)), trust_remote_code=False)
        command = [str(python), "-c", LLAMA, str(build.bundled_gguf()), str(os.cpu_count() or 1)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._read()

    def run(self, prompt: list[Message]) -> dict[str, float]:
        """Timings of the same prompt, rendered by the same template."""
        text = self._template.apply_chat_template(
            [dict(message) for message in prompt], tokenize=False, add_generation_prompt=True
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"prompt": text, "max_new_tokens": self._max}) + "\n")
        self._process.stdin.flush()
        done = json.loads(self._read())
        return timing(done["first"], done["total"], done["tokens"])

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def timing(first: float, total: float, tokens: int) -> dict[str, float]:
    """Seconds to the first token, in all, and the rate after the first."""
    rate = (tokens - 1) / (total - first) if tokens > 1 and total > first else float("nan")
    return {"first": first, "total": total, "tokens": tokens, "tokens_per_s": rate}


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """Medians."""
    return {key: round(statistics.median(row[key] for row in rows), 3) for key in rows[0]}


if __name__ == "__main__":
    main()
