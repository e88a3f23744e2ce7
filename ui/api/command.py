"""`paperchat serve`: checks who may reach the API, then serves it."""

from __future__ import annotations

import typer

from rag.config import Config
from rag.errors import UsageError
from ui.api import logs
from ui.api.auth import SAFE_LENGTH, load_keys, plain_tokens
from ui.origins import is_loopback


def run(config: Config, *, samples: bool, generate: bool) -> None:
    """Serves the API until it is stopped.

    Raises:
        UsageError: The address is not loopback and there is no token, or the port is taken.
        PaperchatError: The models or the index cannot be loaded.
    """
    keys, loopback = load_keys(config), is_loopback(config.host)
    if not loopback and not keys:
        raise UsageError(
            f"{config.host} can be reached from other machines. Set PAPERCHAT_API_KEY to a token that clients must "
            "send, or listen on 127.0.0.1."
        )
    if not loopback and any(len(token.strip()) < SAFE_LENGTH for token in config.api_key.split(",") if token.strip()):
        typer.echo(f"Warning: a token is shorter than {SAFE_LENGTH} characters and can be guessed.", err=True)
    typer.echo("Starting the server ...", err=True)
    from ui.api.server import serve
    from ui.api.service import Service
    from ui.engine import Engine
    from ui.serving import usable_port

    port = usable_port(config.host, config.api_port)
    logs.set_up(as_json=config.log_format == "json", secrets=plain_tokens(config))
    engine = Engine(config, samples=samples, generate=generate)
    engine.start()
    host = f"[{config.host}]" if ":" in config.host and not config.host.startswith("[") else config.host
    typer.echo(f"paperchat serves http://{host}:{port}/v1 (described at /docs; Ctrl+C stops it)")
    serve(Service(engine, config, keys), engine, config.host, port, loopback=loopback)
