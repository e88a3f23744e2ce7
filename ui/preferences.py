"""What a reader chose on the settings page; kept by name, and laid over the settings paperchat was started with."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from rag.config import Config, Profile, SupportLevel
from rag.order import Ordering
from ui.userdata import Database

MAX_PAPERS = 50
AS_STARTED = ""


@dataclass(frozen=True, slots=True)
class Preferences:
    """A reader's choices; an empty one leaves the setting as paperchat was started."""

    k: int = 0
    ordering: str = AS_STARTED
    support: str = AS_STARTED
    model: str = AS_STARTED
    quotes_only: bool = False
    history: bool = True
    profile: str = AS_STARTED

    def applied(self, config: Config) -> Config:
        """The settings with these choices on top. The model is not among them: it has to be loaded first."""
        chosen = {name: getattr(self, name) for name in ("k", "profile", "ordering", "support")}
        return replace(config, **{name: value for name, value in chosen.items() if value})


def read(choices: Mapping[str, Any]) -> Preferences:
    """Choices from outside; what is unknown or out of range is as it was at the start."""
    known = {field.name: choices[field.name] for field in fields(Preferences) if field.name in choices}
    k = known.get("k")
    known["k"] = min(MAX_PAPERS, max(0, k)) if isinstance(k, int) and not isinstance(k, bool) else 0
    choices_of = {"profile": Profile, "ordering": Ordering, "support": SupportLevel}
    for name, allowed in ((name, get_args(kind)) for name, kind in choices_of.items()):
        if known.get(name) not in allowed:
            known[name] = AS_STARTED
    known["model"] = str(known.get("model") or "").strip()
    known["quotes_only"] = bool(known.get("quotes_only", False))
    known["history"] = bool(known.get("history", True))
    return Preferences(**known)


class PreferenceStore:
    """Preferences by owner."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()

    def get(self, owner: str) -> Preferences:
        """The owner's choices, or none."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT choices FROM preferences WHERE owner = ?", (owner,)).fetchone()
        try:
            return read(json.loads(row["choices"])) if row else Preferences()
        except (ValueError, TypeError, AttributeError):
            return Preferences()

    def choose(self, owner: str, name: str, value: object) -> Preferences:
        """Changes one choice and leaves the others as they are, whatever an older window shows."""
        with self._lock:
            chosen = read({**asdict(self.get(owner)), name: value})
            with self._database.connection() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO preferences VALUES (?, ?)", (owner, json.dumps(asdict(chosen)))
                )
        return chosen
