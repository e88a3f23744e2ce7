"""`paperchat chat`: checks who may reach the page, then serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from rag.config import Config
from rag.errors import UsageError
from ui import passwords
from ui.api import logs
from ui.api.auth import plain_tokens
from ui.origins import is_loopback


def run(config: Config, *, auth: Path | None, samples: bool, open_browser: bool) -> None:
    """Serves the page until it is stopped.

    Raises:
        UsageError: The address is not loopback and nobody has to log in, or the port is taken.
    """
    known = logins(auth) if auth else {}
    check = checker(known) if auth else None
    if check is None and not is_loopback(config.host):
        raise UsageError(
            f"{config.host} can be reached from other machines. Give --auth FILE with user:password lines, "
            "or listen on 127.0.0.1."
        )
    if plain := [user for user, kept in known.items() if not passwords.is_hashed(kept)]:
        told = f"{', '.join(plain[:3])}{' and others' if len(plain) > 3 else ''}"
        typer.echo(
            f"Warning: {auth} holds passwords as they are ({told}). 'paperchat login NAME' hashes one.", err=True
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


def logins(path: Path) -> dict[str, str]:
    """Passwords, as they are or hashed, by name, from a file of user:password lines; `#` begins a comment.

    Raises:
        UsageError: The file cannot be read or holds no such line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The login file {path} cannot be read ({error}). Check that it is a text file.") from error
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.lstrip().startswith("#"))
    known = {user: password for user, password in pairs if user.strip() and password.strip()}
    if not known:
        raise UsageError(f"The login file {path} holds no user:password line. Write one a line.")
    return known


def checker(known: Mapping[str, str]) -> Callable[[str, str], bool]:
    """Tells whether a name and a password belong together."""
    nobody = passwords.hashed("")

    def check(user: str, password: str) -> bool:
        # Compared also for a user who does not exist: the time must not tell.
        return passwords.matches(known.get(user, nobody), password) and user in known

    return check


def make_login(user: str) -> str:
    """A line for the login file, with the password that is asked for.

    Raises:
        UsageError: The name holds what parts the line.
    """
    if ":" in user or not user.strip() or user.lstrip().startswith("#") or not user.isprintable():
        raise UsageError(
            f"{user!r} can be no user's name: it must not be empty, begin with # nor hold a colon. Choose another."
        )
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return f"{user.strip()}:{passwords.hashed(password)}"
