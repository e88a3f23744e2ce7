"""What comes in and goes out, as OpenAI's clients know it; the OpenAPI page is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from rag.pipeline import MAX_QUESTION

MAX_MESSAGES = 1000
GENERATED = "paperchat"
QUOTED = "paperchat-quotes"
MODELS = (GENERATED, QUOTED)
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


def _characters(text: str) -> str:
    """JSON can hold half of a surrogate pair, which no tokenizer and no file takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("it holds half of a surrogate pair, which is no character") from error
    return text


def _number(value: object) -> object:
    """Pydantic would read `true` and `"5"` as numbers; the description says integer, and so do OpenAI's errors."""
    if isinstance(value, bool | str):
        raise ValueError("it is no whole number")
    return value


Text = Annotated[str, AfterValidator(_characters)]
WHOLE = BeforeValidator(_number)


class TextPart(BaseModel):
    """A part of a message; only text is read."""

    type: Text
    text: Text | None = None


class ChatMessage(BaseModel):
    """A message as OpenAI's clients send it."""

    role: Role
    content: Text | list[TextPart] | None = None


class StreamOptions(BaseModel):
    """`include_usage` adds a last chunk with the token counts."""

    include_usage: StrictBool | None = None


class ChatRequest(BaseModel):
    """OpenAI's request. What is not listed is accepted and has no effect."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "model": "paperchat",
                "messages": [{"role": "user", "content": "What does MInference speed up, and by how much?"}],
            }
        }
    )

    model: Text = Field(
        description="`paperchat`, or `paperchat-quotes` for the abstracts' own sentences alone.",
        json_schema_extra={"enum": [*MODELS]},  # described only: another name is OpenAI's 404, not 422
    )
    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: StrictBool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, WHOLE] | None = Field(1, description="Only 1: the answer is found, not sampled.")
    where: list[Text] | None = Field(None, description="Extension: conditions on the papers, as in `--where`.")
    # Refused where they ask for something else than an answer in text.
    tools: list[Any] | None = None
    tool_choice: Any = None
    response_format: Any = None
    modalities: list[str] | None = None
    stop: Any = None
    logprobs: StrictBool | None = None
    audio: Any = None
    functions: list[Any] | None = None
    function_call: Any = None


class Usage(BaseModel):
    """Tokens that the language model read and wrote; 0 where it was not asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The answer: checked sentences with `[n]` markers, then the list of sources."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one answer; `length` says that it was cut off by the time limit."""

    index: Literal[0] = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class Completion(BaseModel):
    """OpenAI's answer, with paperchat's whole answer as an extension."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    paperchat: dict[str, Any] = Field(description="Sentences, verdicts, citations, ranks, timings and the trace.")


class ModelCard(BaseModel):
    """A name that `model` may have."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["paperchat"] = "paperchat"
    root: str = Field(description="The language model behind it.")


class ModelList(BaseModel):
    """OpenAI's list of models."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class SearchRequest(BaseModel):
    """What to look for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"query": "pruning attention", "k": 5}})

    query: Text = Field(min_length=1, max_length=MAX_QUESTION)
    k: Annotated[int, Field(ge=1, le=1000), WHOLE] = 10
    where: list[Text] | None = Field(None, max_length=20, description="Conditions on the papers, as in `--where`.")


class SearchRow(BaseModel):
    """One ranked paper."""

    rank: int
    paper_id: str
    title: str
    score: float
    similarity: float | None
    dense_rank: int | None
    lexical_rank: int | None
    best_sentence: str


class RejectedRow(BaseModel):
    """A record that could not be used."""

    source: str
    where: str
    reason: str


class IngestCounts(BaseModel):
    """What happened to every record of an upload; the same as `paperchat ingest --json`."""

    read: int
    new: int
    updated: int
    unchanged: int
    duplicates: int
    rejected: list[RejectedRow]
    rejected_count: int
    papers_in_index: int
    chunks_in_index: int
    seconds: float
    embedding_seconds: float


class PaperRecord(BaseModel):
    """A paper's whole record, as in `paperchat papers show --json`."""

    model_config = ConfigDict(extra="allow")

    paper_id: str
    title: str
    abstract: str


class Health(BaseModel):
    """Does it live, is it ready, and if not, why."""

    status: Literal["ok", "loading", "failed", "index_unavailable", "shutting_down"]


class ErrorDetail(BaseModel):
    """What is wrong and what to do."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """OpenAI's error object."""

    error: ErrorDetail
