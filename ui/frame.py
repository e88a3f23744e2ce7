"""What stands around the conversation: header, start page, status line, the empty source panel, ingest reports.

Pure functions, as in `ui.render`.
"""

from __future__ import annotations

from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

from ui import render, texts

if TYPE_CHECKING:
    from ingest.records import IngestReport
    from ui.engine import EngineStatus

MAX_REJECTED = 50


def start() -> str:
    """The empty page: what this is, and how to read an answer."""
    legend = "".join(
        f'<li><span class="pc-verdict pc-v-{kind}" aria-hidden="true">{escape(mark)}</span> {escape(words)}</li>'
        for kind, mark, words in texts.LEGEND
    )
    return (
        f'<div class="pc-start"><h2>{escape(texts.START_HEADING)}</h2><p>{escape(texts.START_BODY)}</p>'
        f'<ul class="pc-legend">{legend}</ul></div>'
    )


def header() -> str:
    """Title, the pages, and the theme toggle."""
    pages = "".join(
        f'<button type="button" class="pc-page" data-page="{page}" '
        f'aria-pressed="{"true" if page == "ask" else "false"}">{escape(words)}</button>'
        for page, words in texts.PAGES
    )
    return (
        f'<header class="pc-header"><a class="pc-skip" href="#pc-box">{escape(texts.SKIP_TO_BOX)}</a>'
        f"<h1>{escape(texts.TITLE)}</h1>"
        f'<nav class="pc-pages" aria-label="{escape(texts.PAGES_LABEL)}">{pages}</nav>'
        f'<button type="button" class="pc-theme" aria-label="{escape(texts.THEME_TOGGLE)}" '
        f'title="{escape(texts.THEME_TOGGLE)}"><span aria-hidden="true"></span></button></header>'
        f'<div id="pc-toast" role="status" data-copied="{escape(texts.COPIED)}" '
        f'data-saved="{escape(texts.SAVED)}" data-large="{escape(texts.REPORT_TOO_LARGE)}"></div>'
        f'<dialog id="pc-dialog" aria-labelledby="pc-dialog-words"><p id="pc-dialog-words"></p>'
        f'<form method="dialog"><button value="no">{escape(texts.NO)}</button>'
        f'<button value="yes">{escape(texts.YES)}</button></form></dialog>'
    )


def chat_bar() -> str:
    """Above the conversation: the button that shows the list on small screens, and what can be taken along."""
    forms = "".join(
        f'<button type="button" data-do="export" data-form="{form}">{escape(words)}</button>'
        for form, words in texts.EXPORTS
    )
    return (
        f'<div class="pc-bar"><button type="button" class="pc-side-toggle" data-do="side" aria-expanded="false" '
        f'aria-controls="pc-side">{escape(texts.SIDE)}</button>'
        f'<details class="pc-export"><summary>{escape(texts.EXPORT)}</summary><div>{forms}</div></details></div>'
    )


def editing() -> str:
    """Said while a question is being changed."""
    return (
        f'<p class="pc-editing" role="status">{escape(texts.EDITING)} '
        f'<button type="button" data-do="keep">{escape(texts.EDITING_STOP)}</button></p>'
    )


def status_line(status: EngineStatus) -> str:
    """What the index holds and what answers; the stage while models load."""
    if status.error is not None:
        return (
            f'<p class="pc-status pc-status-error" role="status">'
            f"<b>{escape(texts.NOT_READY)}</b> {escape(status.error)}</p>"
        )
    papers = escape(texts.count(status.papers, "paper"))
    if not status.ready:
        known = f"{papers} · " if status.papers else ""
        return (
            '<p class="pc-status pc-status-loading" role="status">'
            f'<span class="pc-dot" aria-hidden="true"></span>{known}{escape(status.stage)}</p>'
        )
    parts = [texts.count(status.chunks, "passage"), status.embedding_model, status.model, status.device]
    more = "".join(f" · {escape(part)}" for part in parts if part)
    samples = f' <span class="pc-badge pc-samples">{escape(texts.SAMPLES_NOTE)}</span>' if status.samples else ""
    return (
        '<p class="pc-status" role="status"><span class="pc-dot pc-dot-ready" aria-hidden="true"></span>'
        # A phone shows how many papers there are, and what they are.
        f'{papers}<span class="pc-status-more">{more}</span>{samples}</p>'
    )


def panel() -> str:
    """The empty source panel; the page's script fills it from the answer that the reader chose."""
    return (
        f'<aside id="pc-panel" aria-label="{escape(texts.SOURCES)}">'
        f'<div class="pc-panel-head"><h2>{escape(texts.SOURCES)}</h2>'
        f'<button type="button" class="pc-back" hidden>{escape(texts.BACK)}</button></div>'
        f'<p class="pc-panel-empty">{escape(texts.SOURCES_EMPTY)}</p><div id="pc-cards"></div></aside>'
    )


def ingest_report(report: IngestReport) -> str:
    """Counts of an upload, and what was turned away, with the reason."""
    counts = "".join(
        f"<li><b>{getattr(report, name):,}</b> {escape(label)}</li>" for name, label in texts.REPORT_COUNTS
    )
    refused = report.rejected_count
    counts += f"<li><b>{refused:,}</b> {escape(texts.REJECTED)}</li>"
    rows = "".join(
        f"<li><b>{escape(PurePath(item.source).name)}</b> {escape(item.where)}: {escape(item.reason)}</li>"
        for item in report.rejected[:MAX_REJECTED]
    )
    if refused > MAX_REJECTED:
        rows += f"<li>{escape(texts.and_more(refused - MAX_REJECTED))}</li>"
    rejected = f'<ul class="pc-rejected">{rows}</ul>' if rows else ""
    return (
        f'<div class="pc-report" role="status"><h3>{escape(texts.REPORT_HEADING)}</h3>'
        f'<ul class="pc-counts">{counts}</ul>{rejected}</div>'
    )


def ingest_error(message: str) -> str:
    """Why an upload did not work."""
    return f'<div class="pc-report pc-error" role="alert"><p>{render.lines(message)}</p></div>'


def page_head(title: str, about: str) -> str:
    """Heading of a page, and what it is for."""
    return f'<div class="pc-page-head"><h2>{escape(title)}</h2><p>{escape(about)}</p></div>'


def login() -> str:
    """What stands on the login page."""
    title = escape(texts.TITLE)
    # Gradio gives this page no title of its own.
    return f'<title>{title}</title><span class="pc-login"><b>{title}</b> {escape(texts.TAGLINE)}</span>'


def account(user: str) -> str:
    """Who is logged in, and the way out; only this browser is logged out."""
    return (
        f'<p class="pc-account">{escape(texts.LOGGED_IN.format(user=user))} '
        f'<a href="logout?all_session=false">{escape(texts.LOG_OUT)}</a></p>'
    )


def note(message: str) -> str:
    """Something that went as it should."""
    return f'<p class="pc-note-line" role="status">{escape(message)}</p>'


def saved(as_started: bool) -> str:
    """Choices were kept."""
    return note(texts.KEPT_AS_STARTED if as_started else texts.KEPT)


def feedback_export() -> str:
    """What was rated, to take along."""
    return (
        f'<div class="pc-page-head"><h2>{escape(texts.FEEDBACK)}</h2><p>{escape(texts.FEEDBACK_NOTE)}</p>'
        f'<button type="button" class="pc-tool" data-do="export" data-form="feedback">'
        f"{escape(texts.FEEDBACK_EXPORT)}</button></div>"
    )
