"""OpenAI's messages to a question and its history; what cannot be done is refused, not ignored."""

from __future__ import annotations

from dataclasses import dataclass

from rag.types import Turn
from ui.api.errors import ApiError
from ui.api.message_text import without_sources
from ui.api.schemas import GENERATED, MODELS, ChatMessage, ChatRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, understood."""

    question: str
    history: tuple[Turn, ...]
    model: str
    stream: bool
    include_usage: bool
    where: tuple[str, ...]

    @property
    def generate(self) -> bool:
        """May a language model write?"""
        return self.model == GENERATED


def understood(request: ChatRequest) -> Asked:
    """What a request asks for.

    Raises:
        ApiError: It names another model (404), or asks for something that would not be done (400).
    """
    if request.model not in MODELS:
        raise ApiError(
            404,
            f"The model {request.model[:100]!r} does not exist. Use one of: {', '.join(MODELS)}.",
            "model_not_found",
            param="model",
        )
    _refuse_what_changes_the_meaning(request)
    question, history = _conversation(request.messages)
    return Asked(
        question,
        history,
        request.model,
        bool(request.stream),
        bool(request.stream_options and request.stream_options.include_usage),
        tuple(request.where or ()),
    )


def _refuse_what_changes_the_meaning(request: ChatRequest) -> None:
    text_only = request.response_format is None or (
        isinstance(request.response_format, dict) and request.response_format.get("type") == "text"
    )
    refused = {
        "n": request.n not in (None, 1),
        "tool_choice": request.tool_choice not in (None, "none", "auto"),
        "function_call": request.function_call not in (None, "none", "auto"),
        "response_format": not text_only,
        "modalities": request.modalities not in (None, [], ["text"]),
        "audio": request.audio is not None,
        "stop": request.stop not in (None, [], ""),
        "logprobs": bool(request.logprobs),
    }
    for name, wrong in refused.items():
        if wrong:
            raise ApiError(
                400,
                f"{name} has a value that paperchat does not do: it gives one answer in text. Leave {name} out.",
                "unsupported_value",
                param=name,
            )


def _conversation(messages: list[ChatMessage]) -> tuple[str, tuple[Turn, ...]]:
    """The last question and the turns before it.

    System messages are accepted and have no effect: what an answer may say is not up to the client.
    """
    turns: list[Turn] = []
    question: str | None = None
    for place, message in enumerate(messages):
        if message.role == "user":
            if question is not None:
                turns.append((question, ""))
            question = _text(message, place)
        elif message.role == "assistant" and question is not None:
            turns.append((question, without_sources(_text(message, place))))
            question = None
    if question is None:
        raise ApiError(
            400, "The last message is no question. End with a user message.", "no_question", param="messages"
        )
    if not question.strip():
        raise ApiError(400, "The question is empty. Type one.", "empty_question", param="messages")
    return question, tuple(turns)


def _text(message: ChatMessage, place: int) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    for part in message.content:
        if part.type not in ("text", "input_text", "output_text", "refusal"):
            raise ApiError(
                400,
                f"Message {place} has a part of type {part.type[:50]!r}. Only text can be read; leave it out.",
                "unsupported_content",
                param=f"messages[{place}].content",
            )
    return "\n".join(part.text or "" for part in message.content)
