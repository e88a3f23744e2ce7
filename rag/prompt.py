"""The prompt: context and question to chat messages. It is here and nowhere else.

One worked example, bare evidence sentences with their numbers, and the strongest nearest to the
question: on 30 development questions the bundled model then wrote something supported for 30 % of
them, against 7 % with instructions, titles and papers as blocks (docs/decisions/0003). Titles are
left out because a small model copies them in place of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rag.injection import plain
from rag.protocols import UNTUNED, Message, PromptStyle
from rag.types import Context, Turn

SYSTEM = "Answer with a sentence from the text, copied exactly, with its number."
EXAMPLE: tuple[Message, ...] = (
    {
        "role": "user",
        "content": "Text:\nWe propose FOO, a sparse index. [1]\nFOO lowers memory use by 12% on Bar. [1]\n\n"
        "Question: How much memory is saved?",
    },
    {"role": "assistant", "content": "FOO lowers memory use by 12% on Bar. [1]"},
)

# "[2]" in an abstract is the abstract's own reference, not ours.
_MARKER = re.compile(r"\[(\d{1,3}(?:\s?[,;]\s?\d{1,3})*)\]")


def messages(context: Context, sentences: int, style: PromptStyle = UNTUNED) -> list[Message]:
    """Instruction and evidence first, question last, as in the paper's setting `[I, d1..dk, q]`.

    Args:
        context: What was handed out.
        sentences: How many evidence sentences the model reads; the best are taken.
        style: How the model wants its prompt.
    """
    handed_out = context.by_number()
    everything = [evidence for passage in context.passages for evidence in passage.evidence]
    best = sorted(everything, key=lambda evidence: -evidence.score)[:sentences]
    lines = [
        f"{line(evidence.text, handed_out)} [{passage.number}]"
        for passage in context.in_prompt_order()
        for evidence in sorted(passage.evidence, key=lambda e: e.score)
        if any(evidence is chosen for chosen in best)
    ]
    user = "Text:\n" + "\n".join(lines) + f"\n\nQuestion: {line(context.question, handed_out)}"
    example = EXAMPLE if style.example else ()
    return [{"role": "system", "content": SYSTEM}, *example, {"role": "user", "content": user}]


REWRITE_SYSTEM = (
    "Rewrite the last question so that it can be understood without the conversation. Put in what it refers to, in "
    "the words of the conversation. Keep every name and number of the question and add none that was not said. If it "
    "stands alone already or changes the subject, repeat it unchanged. Reply with the question only."
)
# An answer's first sentences say what it is about; the rest costs time.
TOLD_CHARACTERS = 600


def rewriting(question: str, history: Sequence[Turn]) -> list[Message]:
    """The conversation as text, for a model that is able to write the question that stands alone.

    Args:
        question: What the user typed.
        history: Earlier turns, oldest first.
    """
    told = [f"User: {plain(asked)}\nAssistant: {plain(answer[:TOLD_CHARACTERS])}" for asked, answer in history]
    user = "\n".join(told) + f"\n\nLast question: {plain(question)}"
    return [{"role": "system", "content": REWRITE_SYSTEM}, {"role": "user", "content": user}]


def line(text: str, numbers: Collection[int]) -> str:
    """Somebody else's words as one line of the prompt: they neither open a turn nor number a source of ours."""

    def own(match: re.Match[str]) -> str:
        inside = {int(number) for number in re.findall(r"\d+", match[1])}
        return f"［{match[1]}］" if inside <= set(numbers) else match[0]

    return _MARKER.sub(own, " ".join(plain(text).split()))
