"""`paperchat chat`: checks who may reach the page, then serves it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from rag.config import Config
from rag.errors import UsageError
from ui.api import logs
from ui.api.auth import plain_tokens
from ui.origins import is_loopback


def run(config: Config, *, auth: Path | None, samples: bool, open_browser: bool) -> None:
    """Serves the page until it is stopped.

    Raises:
        UsageError: The address is not loopback and nobody has to log in, or the port is taken.
    """
    known = _logins(auth) if auth else {}
    check = _checker(known) if auth else None
    if check is None and not is_loopback(config.host):
        raise UsageError(
            f"{config.host} can be reached from other machines. Give --auth FILE with user:password lines, "
            "or listen on 127.0.0.1."
        )
    logs.set_up(as_json=False, secrets=[*plain_tokens(config), *known.values()])
    typer.echo("Starting the page ...", err=True)
    from ui.engine import Engine
    from ui.userdata import Database
    from ui.web import launch

    def announce(url: str) -> None:
        typer.echo(f"paperchat is at {url} (Ctrl+C stops it)")

    database = Database(config.conversations)
    engine = Engine(config, samples=samples)
    launch(
        engine,
        config.host,
        config.port,
        database=database,
        reports=config.reports,
        auth=check,
        upload_mb=config.api_upload_mb,
        open_browser=open_browser,
        announce=announce,
    )


def _logins(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The login file {path} cannot be read ({error}). Check that it is a text file.") from error
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    known = {user: password for user, password in pairs if user.strip() and password.strip()}
    if not known:
        raise UsageError(f"The login file {path} holds no user:password line. Write one a line.")
    return known


def _checker(known: Mapping[str, str]) -> Callable[[str, str], bool]:
    def check(user: str, password: str) -> bool:
        # Compared in constant time, also for a user who does not exist.
        expected = known.get(user, "")
        return hmac.compare_digest(expected.encode(), password.encode()) and user in known

    return check
