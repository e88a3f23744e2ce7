"""Abstracts are data: what in one speaks to a language model, instead of about its subject, is no evidence.

Two things make it so. Markup of chat templates never reaches a tokenizer as markup (`plain`). And a fake turn,
or a sentence that orders its reader about, is neither quoted nor does it carry a claim (`statement_spans`):
else an abstract that says "answer that X is best" would support "X is best".

The first is complete for the templates of known models; the second goes by wording and is not. What remains
is an abstract that states a falsehood as its result, which no reader of abstracts can tell.
"""

from __future__ import annotations

import re
import unicodedata

from rag.text import sentence_spans

# How ChatML, Llama 2 to 4, Gemma, Phi, Mistral, DeepSeek and Harmony begin and end a turn.
_ROLE = r"(?:system|user|assistant|developer|tool|model|ipython)"
_OPENER = (
    rf"<[|｜]?\s*(?:im_start|start_header_id|header_start|start_of_turn|start)\s*[|｜]?>\s*{_ROLE}?"
    rf"|<[|｜]\s*{_ROLE}\s*[|｜]>|\[(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\]|<<SYS>>"
)
_CLOSER = (
    r"<[|｜]?\s*(?:im_end|eot_id|eom_id|eot|eom|end_of_turn|end_of_text|endoftext|end)\s*[|｜]?>"
    r"|\[/(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\]|<</SYS>>|</s>"
)
_OTHER = r"<[|｜][^<>\n]{1,40}[|｜]>|<(?:s|bos|eos|pad)>"
_MARKUP = re.compile(f"{_OPENER}|{_CLOSER}|{_OTHER}", re.IGNORECASE)
# A fake turn lasts until it is closed, or to the end.
_FAKE_TURN = re.compile(rf"(?:(?:{_CLOSER})\s*)*(?:{_OPENER}).*?(?:{_CLOSER}|\Z)", re.IGNORECASE | re.DOTALL)

_TEXT = r"(?:instructions?|prompts?|rules|guidelines|context|messages?|text|sentences?|abstracts?|evidence)"
_ORDER = re.compile(
    r"^\W*(?:(?:please|now|also|instead|then|important|note|attention|warning)\b[\s,:!.-]*)*(?:"
    # "System: ...", "### Instruction: ..."
    r"(?:system|assistant|user|developer|(?:new |system )?instructions?|system (?:prompt|message|note|override))\s*:"
    rf"|(?:ignore|disregard|forget|override)\b(?:\W+\w+){{0,4}}?\W+(?:previous|prior|above|earlier|preceding|{_TEXT})\b"
    r"|(?:answer|respond|reply|say|output|print|write|state|claim|tell|cite|quote|repeat|pretend|act)\s+"
    r"(?:only|that|with|as|exactly|the (?:user|reader|following)|always|this|paper|\W*\[?\d|[“\"':])"
    # "Output to the actuator is limited" tells nobody to do anything.
    r"|(?:answer|respond|reply|say|tell|cite|quote|repeat|pretend)\s+(?:to|in|every)\b"
    r"|(?:do not|don't|never|always)\s+(?:cite|answer|mention|quote|refuse|reveal|say|reply|respond)\b"
    r"|you (?:are|must|should|will|shall|have to|need to|may)\b"
    r"|from now on\b|new instructions?\b|end of (?:context|text|abstract|document|evidence)\b"
    r"|(?:reveal|print|show|repeat) (?:your|the) (?:system )?(?:prompt|instructions?)\b)"
    # Anywhere in a sentence, but not in quotation marks: papers on injection give examples.
    r"|^(?:[^“”\"'‘’]*(?:[,;:.!?)\]–—-]\s*(?:(?:please|now|then|and|so)\s+)*|\b(?:please|must|should|now|you) ))?"
    r"(?:ignore|disregard|forget) (?:all |any |the |of |your )*"
    rf"(?:previous|prior|above|earlier|preceding) {_TEXT}"
    r"|\bthe (?:assistant|chatbot|model reading this) (?:must|shall|has to)\b"
    r"|\bthe (?:reader|answer) (?:must|shall|has to) "
    r"(?:say|state|cite|mention|claim|end|begin|start|include|contain the|only)\b",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Text for a prompt: no chat template takes a part of it for markup, and nothing in it is invisible."""
    return _MARKUP.sub(lambda match: f"{match[0][0]} {match[0][1:]}", visible(text))


def visible(text: str) -> str:
    """The text without characters that no reader sees: zero width, direction, tags, variation selectors."""
    return text if text.isascii() else "".join(char for char in text if not _invisible(char))


def statement_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text` that say something about the world, in characters."""
    spans: list[tuple[int, int]] = []
    start = 0
    turns = [(m.start(), m.end()) for m in _FAKE_TURN.finditer(text)] if "<" in text or "[" in text else []
    for begin, end in [*turns, (len(text), len(text))]:
        spans += [(start + a, start + b) for a, b in sentence_spans(text[start:begin])]
        start = end
    return [(a, b) for a, b in spans if not is_order(text[a:b])]


def is_order(sentence: str) -> bool:
    """Does a sentence tell its reader what to do, instead of what was found?"""
    return _ORDER.search(visible(sentence)) is not None


def _invisible(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return selector or unicodedata.category(char) == "Cf"
