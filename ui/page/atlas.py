"""The map on the papers page: drawn in the background, asked for again until it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.errors import PaperchatError
from ui import texts
from ui.atlas import markup
from ui.atlas.atlas import Atlas
from ui.atlas.keeper import Drawing
from ui.page.desk import Desk
from ui.page.parts import Update, html, letter

WAIT_MS = 500


class Map:
    """The component, and what the page's script asks of it."""

    ASKS = ("map", "map-papers", "map-paper")

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.plane = html("", "pc-map")

    def work(self, sent: Mapping[str, Any], mail: Any) -> Update:
        """Answers one of `ASKS`."""
        try:
            state = self.desk.atlas()
        except PaperchatError as error:
            return {self.plane: markup.failed(str(error))}
        if isinstance(state, Drawing):
            return {self.plane: markup.drawing(state), mail: letter("map", again=WAIT_MS)}
        match sent.get("do"):
            case "map-papers":
                return {mail: self._papers(state, sent)}
            case "map-paper":
                return {mail: self._paper(state, sent.get("place"))}
        return {self.plane: markup.view(state), mail: letter("map", again=0)}

    def _papers(self, atlas: Atlas, sent: Mapping[str, Any]) -> str:
        """Those of a group, or those that hold the words the reader looks for."""
        search, by, number = str(sent.get("search") or "")[:200], sent.get("by"), sent.get("group")
        if search:
            found = self.desk.shelf().holding(search)
            places = [place for place, paper_id in enumerate(atlas.ids) if paper_id in found]
            return letter("map-papers", html=markup.listing(atlas, places, texts.map_found(search)), places=places)
        groups = markup.groups(atlas, str(by))
        if not isinstance(number, int) or not 0 <= number < len(groups):
            return letter("map-papers", html="", places=None)
        group = groups[number]
        return letter("map-papers", html=markup.listing(atlas, markup.by_nearness(atlas, group), group.name))

    def _paper(self, atlas: Atlas, place: Any) -> str:
        known = isinstance(place, int) and 0 <= place < len(atlas)
        found = self.desk.engine.catalog().get([atlas.ids[place]]) if known else {}
        if not found:
            return letter("note", text=texts.MAP_GONE)
        ((paper, _),) = found.values()
        return letter("map-paper", html=markup.card(paper, markup.groups(atlas, "topic")[atlas.topic[place]].name))
