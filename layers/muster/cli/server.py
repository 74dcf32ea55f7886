"""The HTTP server of `muster serve`, which loads the models once it listens."""

import sys
from contextlib import suppress
from threading import Thread
from typing import Any

import uvicorn

from muster.api.recognition import Recognition
from muster.cli.connections import server_options

_STARTUP_FAILURE = 3
"""The exit status with which `uvicorn.run` says the same."""


def listen(app: Any, recognition: Recognition, **options: Any) -> None:
    """Serve an application until the process is asked to stop.

    Args:
        app: an ASGI application.
        recognition: loaded in the background as soon as the server listens.
        options: of `uvicorn.Config`.

    Raises:
        MusterError: the models cannot be loaded; the server has stopped.
    """
    server = _Server(uvicorn.Config(app, **options, **server_options()), recognition)
    try:
        # uvicorn raises the signal again after it has stopped.
        with suppress(KeyboardInterrupt):
            server.run()
    finally:
        server.join()
    if not server.started:
        sys.exit(_STARTUP_FAILURE)
    if server.failure is not None:
        raise server.failure


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, recognition: Recognition) -> None:
        super().__init__(config)
        self._recognition = recognition
        self._loader = Thread(target=self._load, name="models", daemon=True)
        self.failure: Exception | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then load the models. Doing both at once would delay the first answer."""
        await super().startup(sockets)
        if self.started:
            self._loader.start()

    def join(self) -> None:
        """Wait for the loading: a thread inside a library while the interpreter ends can crash the process."""
        if self._loader.ident is not None:
            self._loader.join()

    def _load(self) -> None:
        try:
            self._recognition.services()
        except Exception as failure:  # noqa: BLE001 - raised in the main thread
            self.failure = failure
            self.should_exit = True
