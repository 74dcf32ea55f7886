"""The HTTP application over one system."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from muster import __version__
from muster.api import problems
from muster.api.body_limit import BodyLimit
from muster.api.routes.reports import report_routes
from muster.api.routes.roster import health_routes, roster_routes
from muster.api.routes.sessions import session_routes
from muster.api.routes.uploads import upload_routes
from muster.api.system import Records, System

MOST_BODY_BYTES = 110_000_000
"""Ten phone photos of 10 MB and the form around them; one photo has its own, lower limit."""


def create_app(system: Records) -> FastAPI:
    """Build the application; training runs in the background while it is up.

    Args:
        system: a `System` has all routes, bare `Records` those that read no photos.
    """

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
    if isinstance(system, System):
        # Its imports bring the models' libraries.
        from muster.api.routes.recognition import recognition_routes

        app.include_router(recognition_routes(system))
    app.include_router(roster_routes(system))
    app.include_router(session_routes(system))
    app.include_router(report_routes(system))
    if system.uploads is not None:
        app.include_router(upload_routes(system.uploads))
    app.include_router(health_routes(system))
    return app
