"""A real HTTP server on loopback."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp, *, training: bool = True, http: Any = "auto") -> Iterator[str]:
    """Serve an application; the value is its address.

    Args:
        training: whether the application's lifespan runs, and with it the training in the background.
        http: the class of its connections.
    """
    lifespan: Literal["on", "off"] = "on" if training else "off"
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan=lifespan, http=http)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
