"""Small things that several parts of the page use."""

from __future__ import annotations

import json
import secrets
from typing import Any

import gradio as gr

from ui.userdata import LOCAL

Update = dict[Any, Any]

QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "trigger_mode": "multiple",
    "api_visibility": "private",
}
"""Events that answer at once and do not wait for others."""

SLOW: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "api_visibility": "private"}
"""Events that may take seconds."""

# What the page's own script sends: `window.paperchat.send("act", {...})`. The names are those of Gradio events.
_BUS = """
window.paperchat.send = (kind, data) => trigger(kind, data);
window.paperchat.events = ['ask', 'act', 'work', 'compare', 'halt', 'report', 'visit'];
"""
# What goes the other way: a piece of JSON for the script, never shown.
_MAIL = "watch('value', () => window.paperchat.receive(props.value));"
_LIVE = "watch('value', () => window.paperchat.live(props.value));"


def html(value: str, elem_id: str) -> gr.HTML:
    """Markup of ours; what it does is in the page's script."""
    return gr.HTML(value, js_on_load=None, apply_default_css=False, elem_id=elem_id)


def bus() -> gr.HTML:
    """The way from the page's script to the server; its events are named in `_BUS`."""
    return gr.HTML("", html_template="<i></i>", js_on_load=_BUS, apply_default_css=False, elem_id="pc-bus")


def mailbox() -> gr.HTML:
    """The way from the server to the page's script."""
    return gr.HTML("", html_template="<i></i>", js_on_load=_MAIL, apply_default_css=False, elem_id="pc-mail")


def growing() -> gr.HTML:
    """The way of an answer that is being written; what it holds is in `ui.page.live`."""
    return gr.HTML("", html_template="<i></i>", js_on_load=_LIVE, apply_default_css=False, elem_id="pc-live")


def letter(kind: str, **content: Any) -> str:
    """What the page's script is to do; told apart from the one before, also when it says the same."""
    return json.dumps({"kind": kind, "nonce": secrets.token_hex(4), **content})


def owner_of(request: gr.Request | None) -> str:
    """Who is logged in; the same for everyone where nobody has to."""
    return getattr(request, "username", None) or LOCAL
