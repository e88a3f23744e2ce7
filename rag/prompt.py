"""The prompt: context and question to chat messages. It is here and nowhere else."""

from __future__ import annotations

from rag.protocols import Message
from rag.types import Context

SYSTEM = (
    "You answer questions about scientific papers. Use only the numbered evidence. "
    "Answer in one or two sentences, keep the evidence's words and figures, "
    "and end each sentence with the number of its source in brackets, like [1]."
)


def messages(context: Context) -> list[Message]:
    """Instruction and documents first, question last, as in the paper's setting `[I, d1..dk, q]`."""
    blocks = [
        f"[{passage.number}] {passage.paper.title}\n" + " ".join(e.text for e in passage.evidence)
        for passage in context.in_prompt_order()
    ]
    user = "Evidence:\n" + "\n\n".join(blocks) + f"\n\nQuestion: {context.question}\nAnswer:"
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]
