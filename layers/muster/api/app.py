"""The HTTP application over one system."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from muster import __version__
from muster.api import problems
from muster.api.body_limit import BodyLimit
from muster.api.routes.recognition import recognition_routes
from muster.api.routes.roster import health_routes, roster_routes
from muster.api.system import System

MOST_BODY_BYTES = 110_000_000
"""Ten phone photos of 10 MB and the form around them; one photo has its own, lower limit."""


def create_app(system: System) -> FastAPI:
    """Build the application; training runs in the background while it is up."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        system.training.start()
        yield
        system.training.stop()

    app = FastAPI(
        title="Muster",
        version=__version__,
        summary="Attendance from one group photo.",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, limit=MOST_BODY_BYTES)
    problems.install(app)
    app.include_router(recognition_routes(system))
    app.include_router(roster_routes(system))
    app.include_router(health_routes(system))
    return app
