"""`muster serve`."""

from typing import Annotated

import typer

from muster.cli.output import DataOption, stderr
from muster.composition.local import open_local_system


def serve(
    host: Annotated[str, typer.Option(envvar="MUSTER_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="MUSTER_PORT", min=1, max=65535, help="Port to listen on.")] = 8000,
    data: DataOption = None,
) -> None:
    """Serve the HTTP API on this machine, with its documentation at /docs."""
    import uvicorn

    from muster.api.app import create_app

    if host not in ("127.0.0.1", "localhost", "::1"):
        stderr.print(
            f"[yellow]Anyone who reaches {host}:{port} can read and write the register, faces included: "
            "put a proxy with sign-in and TLS before it.[/]"
        )
    app = create_app(open_local_system(data))
    stderr.print(f"Muster answers at http://{host}:{port}, documentation at http://{host}:{port}/docs")
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)
