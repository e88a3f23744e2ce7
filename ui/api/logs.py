"""Log lines with the id of the request they belong to, as text or JSON, and without secrets."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar

from ui.printing import plain

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
HIDDEN = "[hidden]"
# Shorter ones would blot out ordinary words.
LEAST_SECRET = 4


class Formatter(logging.Formatter):
    """One line a record; `extra={"fields": {...}}` becomes fields of the JSON."""

    def __init__(self, *, as_json: bool, secrets: Sequence[str] = ()) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._as_json = as_json
        self._secrets = sorted((s for s in secrets if len(s) >= LEAST_SECRET), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, secrets hidden in message, fields and traceback alike."""
        request_id, fields = REQUEST_ID.get(), getattr(record, "fields", {})
        if self._as_json:
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
                **({"request_id": request_id} if request_id else {}),
                **fields,
            }
            if record.exc_info:
                line["traceback"] = self.formatException(record.exc_info)
            return self._without_secrets(json.dumps(line, default=str))
        text = super().format(record) + "".join(f" {key}={value}" for key, value in fields.items())
        text = f"{text} [{request_id}]" if request_id else text
        # A record's first line alone begins at the margin, whatever somebody put into a message.
        return self._without_secrets(plain(text.replace("\r\n", "\n").replace("\n", "\n    ")))

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN).replace(json.dumps(secret)[1:-1], HIDDEN)
        return text


def set_up(*, as_json: bool, secrets: Sequence[str]) -> None:
    """Sends the whole process's log to standard error in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json=as_json, secrets=secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.getLogger("paperchat.access").setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
