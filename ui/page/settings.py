"""The settings page: what a reader may choose, in plain words, kept under the name they logged in with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from rag.errors import PaperchatError
from ui import frame, texts
from ui.page.desk import Desk
from ui.page.parts import QUICK, SLOW, html, owner_of
from ui.preferences import MAX_PAPERS, Preferences
from ui.userdata import LOCAL

# In the order of their components.
CHOICES = ("k", "profile", "ordering", "support", "quotes_only", "history", "model")


class Settings:
    """Every change is kept at once; there is no button for it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        html(frame.page_head(texts.SETTINGS, texts.SETTINGS_NOTE), "pc-settings-head")
        self.account = html("", "pc-set-account")
        plain: dict[str, Any] = {"interactive": True, "container": True}
        self.k = gr.Slider(
            0, MAX_PAPERS, 0, step=1, label=texts.SET_K, info=texts.SET_K_INFO, elem_id="pc-set-k", **plain
        )
        self.profile = gr.Radio(
            list(texts.PROFILE_CHOICES), value="", label=texts.SET_PROFILE, info=texts.SET_PROFILE_INFO,
            elem_id="pc-set-profile", **plain,
        )  # fmt: skip
        self.support = gr.Radio(
            list(texts.SUPPORT_CHOICES), value="", label=texts.SET_SUPPORT, info=texts.SET_SUPPORT_INFO,
            elem_id="pc-set-support", **plain,
        )  # fmt: skip
        self.ordering = gr.Radio(
            list(texts.ORDERING_CHOICES), value="", label=texts.SET_ORDERING, info=texts.SET_ORDERING_INFO,
            elem_id="pc-set-ordering", **plain,
        )  # fmt: skip
        self.quotes = gr.Checkbox(
            False, label=texts.SET_QUOTES, info=texts.SET_QUOTES_INFO, elem_id="pc-set-quotes", **plain
        )
        self.history = gr.Checkbox(
            True, label=texts.SET_HISTORY, info=texts.SET_HISTORY_INFO, elem_id="pc-set-history", **plain
        )
        with gr.Column(elem_id="pc-set-model") as self.model_group:
            self.model = gr.Textbox(
                "", label=texts.SET_MODEL, info=texts.SET_MODEL_INFO, placeholder=texts.SET_MODEL_HINT,
                max_length=500, elem_id="pc-set-model-name", submit_btn=False, **plain,
            )  # fmt: skip
            self.test = gr.Button(texts.TEST_MODEL, elem_id="pc-set-test", size="sm")
            self.tested = html("", "pc-set-tested")
        self.saved = html("", "pc-set-saved")
        html(frame.feedback_export(), "pc-set-feedback")

    def wire(self, app: gr.Blocks) -> None:
        """Connects events."""
        radios = [self.profile, self.ordering, self.support, self.quotes, self.history]
        choices = [self.k, *radios, self.model]
        app.load(self._shown, outputs=[*choices, self.model_group, self.account], **QUICK)
        # The slider too by what it says while it moves: the keyboard never lets go of it.
        in_order = {**QUICK, "trigger_mode": "always_last"}
        events = [choice.input for choice in (self.k, *radios)] + [self.model.blur]
        for name, choice, changed in zip(CHOICES, choices, events, strict=True):
            changed(self._keeps(name), inputs=choice, outputs=self.saved, **in_order)
        self.test.click(self._testing, outputs=self.tested, **QUICK).then(
            self._test, inputs=self.model, outputs=self.tested, concurrency_limit=1, **SLOW
        )

    def _shown(self, request: gr.Request) -> list[Any]:
        owner = owner_of(request)
        chosen = self.desk.preferences(owner)
        # Whoever logged in uses this machine with others: what it loads and calls is for its operator to say.
        own = gr.update(visible=owner == LOCAL)
        return [*(getattr(chosen, name) for name in CHOICES), own, "" if owner == LOCAL else frame.account(owner)]

    def _keeps(self, name: str) -> Callable[[Any, gr.Request], str]:
        """Keeps one choice. An older window must not bring back what was changed since in another."""

        def keep(value: Any, request: gr.Request) -> str:
            owner = owner_of(request)
            if name == "model" and owner != LOCAL:
                value = ""
            try:
                chosen = self.desk.choose(owner, name, int(value or 0) if name == "k" else value)
            except PaperchatError as error:
                return frame.ingest_error(str(error))
            return frame.saved(chosen == Preferences())

        keep.__name__ = f"_keep_{name}"  # Gradio tells events apart by it, and so do its logs
        return keep

    @staticmethod
    def _testing() -> str:
        return frame.note(texts.TESTING)

    def _test(self, model: str, request: gr.Request) -> str:
        if owner_of(request) != LOCAL:
            return ""
        try:
            name, device, seconds = self.desk.pipelines.test((model or "").strip())
        except PaperchatError as error:
            return frame.ingest_error(str(error))
        return frame.note(texts.tested(name, device, seconds))
