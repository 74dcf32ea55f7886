"""`muster serve`."""

import logging
from typing import Annotated

import typer

from muster.cli.output import DataOption, stderr
from muster.cli.shipped import shipped_folder
from muster.composition.local import open_local_system, open_retention, open_users
from muster.composition.settings import LocalSettings
from muster.services.retention import daily


def serve(
    host: Annotated[str, typer.Option(envvar="MUSTER_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="MUSTER_PORT", min=1, max=65535, help="Port to listen on.")] = 8000,
    data: DataOption = None,
) -> None:
    """Serve the HTTP API on this machine, with its documentation at /docs."""
    import uvicorn

    from muster.api.app import create_app

    settings = LocalSettings()
    if settings.admin_token is not None:
        open_users(data).set_admin(settings.admin_token.get_secret_value())
    if host not in ("127.0.0.1", "localhost", "::1"):
        if not open_users(data).find():
            stderr.print(
                "[bold red]Make a user first[/], so that not everyone in the network may look: `muster users add`, "
                "or set MUSTER_ADMIN_TOKEN.",
                soft_wrap=True,
            )
            raise typer.Exit(2)
        stderr.print(
            f"[yellow]Faces, names and tokens travel readable to {host}:{port}: put a proxy with TLS before it.[/]"
        )
    _log_requests()
    app = create_app(open_local_system(data), site=shipped_folder("web"))
    stderr.print(f"Muster answers at http://{host}:{port}, documentation at http://{host}:{port}/docs")
    with daily(open_retention(data)):
        uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)


def _log_requests() -> None:
    """Write one JSON line for each request to stderr."""
    from muster.api.request_log import LOGGER

    logger, handler = logging.getLogger(LOGGER), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
