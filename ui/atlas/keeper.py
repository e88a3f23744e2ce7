"""Keeps the map of an index: drawn in the background when somebody first wants it, and again when the index changed."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from rag.errors import PaperchatError
from rag.files import whole_text
from rag.index import Index
from ui.atlas.atlas import Atlas, make

log = logging.getLogger(__name__)

FILE = "map.json"
# Of the file, and of how maps are drawn: another number, and every map is drawn anew.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Drawing:
    """A map is being drawn: what is done just now, and the share of the whole that is done, 0..1."""

    doing: str = "read"
    share: float = 0.0


class AtlasKeeper:
    """One map at a time, shared by everyone who has the page open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key = ""
        self._state: Atlas | Drawing | PaperchatError = Drawing()

    def atlas(self, index: Index) -> Atlas | Drawing:
        """The map of the index as it is now, or how far it has come. Returns at once.

        Raises:
            PaperchatError: It could not be drawn; the next call tries again.
        """
        key = f"{FORMAT}-{index.manifest.stores}-{index.identity().version}"
        with self._lock:
            if key != self._key:
                self._key, self._state = key, Drawing()
                threading.Thread(target=self._draw, args=(index, key), name="map", daemon=True).start()
            state = self._state
            if isinstance(state, PaperchatError):
                self._key = ""
                raise state
        return state

    def _draw(self, index: Index, key: str) -> None:
        try:
            drawn = _read(index.folder / FILE, key)
            if drawn is None:
                drawn = make(index, lambda doing, share: self._note(key, Drawing(doing, share)))
                _write(index.folder / FILE, key, drawn)
            self._note(key, drawn)
        except PaperchatError as error:
            self._note(key, error)
        except Exception as error:  # the thread's last surface: the page must say so
            log.exception("the map could not be drawn")
            self._note(key, PaperchatError(f"The map could not be drawn ({error}). Open it again to try once more."))

    def _note(self, key: str, state: Atlas | Drawing | PaperchatError) -> None:
        with self._lock:
            if key == self._key:  # else the index has changed meanwhile, and another is being drawn
                self._state = state


def _read(path: Path, key: str) -> Atlas | None:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return Atlas.from_dict(held["map"]) if held["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, key: str, drawn: Atlas) -> None:
    try:
        with whole_text(path) as file:
            json.dump({"key": key, "map": drawn.as_dict()}, file, ensure_ascii=False)
    except OSError as error:  # A folder that may not be written: the map is drawn once for each start.
        log.info("the map is not kept: %s", error)
