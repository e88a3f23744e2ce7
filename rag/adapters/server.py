"""A language model behind an OpenAI-compatible address: vLLM, transformers serve, llama.cpp, Ollama."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rag.config import without_password
from rag.errors import GenerationError, ModelError
from rag.protocols import UNTUNED, GenerationLimits, Message

CONNECT_SECONDS = 5.0
# A busy server may queue a question for a while before its first token.
READ_SECONDS = 120.0
CONTEXT_TOKENS = 4096
# Without the server's tokenizer: English text has about four characters a token.
CHARACTERS_PER_TOKEN = 4


class ServerGenerator:
    """Streams from `POST {url}/chat/completions`; the server does its own queueing."""

    def __init__(self, url: str, model: str, key: str) -> None:
        """Connects and takes the first model listed where `model` is empty.

        Raises:
            ModelError: The server cannot be reached, refuses the token, or does not have the model.
        """
        import httpx

        if not (key.isascii() and key.isprintable()):  # the HTTP library's error would show it
            raise ModelError("The setting server_key holds a character that no token has. Look for a line break in it.")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        self._url = without_password(url.rstrip("/"))
        try:
            whole = httpx.URL(url.rstrip("/"))
            # Apart from the address: the library's errors name it.
            login = httpx.BasicAuth(whole.username, whole.password) if whole.userinfo else None
            address = whole.copy_with(username=None, password=None)
            self._client = httpx.Client(base_url=address, headers=headers, timeout=timeout, auth=login)
        except httpx.InvalidURL as error:
            raise ModelError(f"{self._url!r} cannot be used; check the URL. It usually ends in /v1.") from error
        listed = self._models()
        if not model and not listed:
            raise ModelError(f"The server at {self._url} lists no model. Name one with --server-model.")
        self.name = model or listed[0]
        if listed and self.name not in listed:
            raise ModelError(f"The server at {self._url} has no model {model!r}. It offers: {', '.join(listed[:5])}.")
        self.context_tokens = CONTEXT_TOKENS
        self.device = "server"
        self.style = UNTUNED

    def _models(self) -> list[str]:
        import httpx

        try:
            response = self._client.get("models")
            response.raise_for_status()
            return [str(entry["id"]) for entry in response.json()["data"]]
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status not in (401, 403):  # some servers offer chat completions only, or cannot list
                return []
            raise ModelError(
                f"The server at {self._url} answered {status}. Check its URL and the setting server_key."
            ) from error
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"No OpenAI-compatible server answers at {self._url} ({type(error).__name__}). "
                "Start it, or check the URL; it usually ends in /v1."
            ) from error

    def count_tokens(self, text: str) -> int:
        """An estimate: the server's tokenizer is not at hand."""
        return len(text) // CHARACTERS_PER_TOKEN + 1

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """An estimate as well, with a few tokens a message for the template."""
        return sum(self.count_tokens(message["content"]) + 8 for message in messages)

    def waiting(self) -> int:
        """Always 0: the queue is the server's."""
        return 0

    def stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        """Yields text as it arrives; closing the connection on `cancel` stops the server's work."""
        body = {
            "model": self.name,
            "messages": [dict(message) for message in messages],
            "max_tokens": limits.max_new_tokens,
            "temperature": 0,
            "stream": True,
        }
        with self._errors(), self._client.stream("POST", "chat/completions", json=body) as response:
            if response.status_code >= 400:
                response.read()
            response.raise_for_status()
            for line in response.iter_lines():
                field, _, value = line.partition(":")
                if cancel.is_set() or value.strip() == "[DONE]":
                    return
                if field == "data" and (text := _delta(json.loads(value))):
                    yield text

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.HTTPStatusError as error:
            raise GenerationError(
                f"The model server answered {error.response.status_code}. Ask again, or look at the server's log."
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            raise GenerationError(
                f"The model server at {self._url} broke off ({type(error).__name__}). Check that it still runs."
            ) from error


def _delta(event: Any) -> str:
    """The text an event adds.

    Raises:
        GenerationError: The event reports that the server failed.
        ValueError: It is no event of this protocol.
    """
    if not isinstance(event, dict):
        raise ValueError("an event is a JSON object")
    if "error" in event:
        raise GenerationError("The model server failed while writing. Ask again, or look at the server's log.")
    choices = event.get("choices")
    if not isinstance(choices, list):
        raise ValueError("an event has a list of choices")
    if not choices:  # the last event may carry the token counts alone
        return ""
    delta = choices[0].get("delta") if isinstance(choices[0], dict) else None
    return str((delta or {}).get("content") or "")
