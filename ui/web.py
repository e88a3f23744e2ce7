"""The chat page as a server: how it looks, and how it is started. What is on it is in `ui.page`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

# Gradio reads this when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware

from rag.errors import UsageError
from ui import frame, serving, texts
from ui.origins import is_loopback
from ui.page.app import Page
from ui.page_guard import PageGuard

if TYPE_CHECKING:
    from ui.engine import Engine
    from ui.userdata import Database

Auth = tuple[str, str] | list[tuple[str, str]] | Callable[[str, str], bool]

STYLES = ("page.css", "side.css", "papers.css", "atlas.css", "evaluation.css", "login.css")
SCRIPTS = (
    "live.js", "sources.js", "reading.js", "focus.js", "theme.js", "actions.js", "papers.js", "atlas.js",
    "evaluation.js",
)  # fmt: skip


def build_app(engine: Engine, database: Database | None = None, reports: Path | None = None) -> gr.Blocks:
    """The page over this engine, not yet served; without a database nothing is kept."""
    return Page(engine, database, reports).app


def launch(
    engine: Engine,
    host: str,
    port: int,
    *,
    database: Database | None = None,
    reports: Path | None = None,
    auth: Auth | None = None,
    upload_mb: int = 64,
    open_browser: bool = False,
    block: bool = True,
    announce: Callable[[str], None] | None = None,
) -> gr.Blocks:
    """Starts loading the models and serves the page at once.

    Args:
        engine: Loads models and answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        database: Where conversations are kept.
        reports: Folder of evaluation reports.
        auth: Names and passwords, or a function that checks them.
        upload_mb: Largest upload of somebody who logged in, in MB.
        open_browser: Open the page in the reader's browser.
        block: Return only when the server was stopped.
        announce: Called with the page's address once it can be opened.

    Raises:
        UsageError: The address is taken or does not exist.
    """
    port = serving.usable_port(host, port)
    engine.start()
    serving.reach_directly(host)
    app = build_app(engine, database, reports)
    upload_bytes = upload_mb * 1_000_000 if auth is not None else None
    guard = Middleware(PageGuard, host=host, loopback=is_loopback(host), upload_bytes=upload_bytes)
    try:
        app.launch(
            server_name=host,
            server_port=port,
            auth=auth,
            # The login page takes no style sheet but what stands in its message.
            auth_message=f"<style>{_styles()}</style>{frame.login()}" if auth else None,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            show_error=False,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            favicon_path=str(_asset("favicon.png")),
            theme=_theme(),
            head=_head(),
            max_file_size=upload_bytes,
            app_kwargs={"middleware": [guard, Middleware(serving.SecurityHeaders), Middleware(serving.SmallPage)]},
        )
    except OSError as error:  # Somebody took the port in the meantime.
        raise UsageError(texts.port_busy(host, port, None)) from error
    if announce is not None:
        announce(str(app.local_url))
    if block:
        serving.serve_until_stopped(app)
    return app


def _asset(name: str) -> Path:
    return Path(__file__).parent / "assets" / name


def _styles() -> str:
    return "\n".join(_asset(name).read_text(encoding="utf-8") for name in STYLES)


def _head() -> str:
    scripts = "".join(f"<script>{_asset(name).read_text(encoding='utf-8')}</script>" for name in SCRIPTS)
    about = f'<meta name="description" content="{texts.TAGLINE}">'
    return f"{about}<style>{_styles()}</style>{scripts}"


def _theme() -> gr.themes.Base:
    # This font comes with Gradio and is served from this machine; its other weights there lack most letters.
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
