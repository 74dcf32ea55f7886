"""The HTTP application over one system."""

import muster.api.deferred_models  # noqa: F401 - before FastAPI

# isort: split
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from muster import __version__
from muster.api import documentation, openapi, problems
from muster.api.authorize import Authorize
from muster.api.middleware.authentication import AuthenticationMiddleware, RequireAuthenticationMiddleware
from muster.api.middleware.body_limit import BodyLimitMiddleware
from muster.api.middleware.idempotency import IdempotencyMiddleware
from muster.api.middleware.rate_limit import RateLimitMiddleware
from muster.api.middleware.request_log import RequestLogMiddleware
from muster.api.middleware.web_client import WebClientMiddleware
from muster.api.recognition import Recognition
from muster.api.routes import substitutes
from muster.api.routes.absences import absence_routes
from muster.api.routes.changes import change_routes
from muster.api.routes.codes import code_routes
from muster.api.routes.exports import export_routes
from muster.api.routes.groups import group_routes
from muster.api.routes.guests import guest_routes
from muster.api.routes.health import health_routes
from muster.api.routes.me import me_routes
from muster.api.routes.notices import notice_routes
from muster.api.routes.oneroster import oneroster_routes
from muster.api.routes.overviews import overview_routes
from muster.api.routes.reports import report_routes
from muster.api.routes.retention import retention_routes
from muster.api.routes.sessions import session_routes
from muster.api.routes.students import student_routes
from muster.api.routes.timetable import timetable_routes
from muster.api.routes.tokens import token_routes
from muster.api.routes.training import training_routes
from muster.api.routes.uploads import upload_routes
from muster.api.routes.users import user_routes
from muster.api.system import RecordServices, Services
from muster.api.workload import archive_work, picture_work, recognition_work

PUBLIC_PATHS = frozenset(
    {"/health", "/openapi.json", documentation.PAGE, documentation.FILES, substitutes.SIGN_IN_PATH}
)
"""Routes without authentication. They contain no personal data without a substitute's code."""

MAX_BODY_BYTES = 110_000_000
"""Ten phone photos of 10 MB and the form around them. A single photo has a lower limit of its own."""


MAX_JSON_BYTES = 1_000_000
"""Bodies other than forms with files. The event loop parses JSON: 40 MB would block it for 20 s."""


def create_app(system: RecordServices, site: Path | None = None, recognition: Recognition | None = None) -> FastAPI:
    """Build the application. Training runs in the background while the application runs.

    Args:
        system: a `Services` has all routes, plain `RecordServices` those that read no photos.
        site: folder of the web client, served without authentication; None if something else serves it.
        recognition: models that may still be loading; its routes wait for them. By default those of `system`.
    """
    if recognition is None and isinstance(system, Services):
        recognition = Recognition.of(system)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        system.training.start()
        yield
        system.training.stop()

    app = FastAPI(
        title="Muster",
        version=__version__,
        summary="Attendance from one group photo.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # A form has ten photos at most; a student may be in many groups.
        form_limits={"max_files": 20, "max_fields": 200, "max_part_size": 64_000},
    )
    # The last added is the outermost.
    app.add_middleware(IdempotencyMiddleware, answers=system.answers, secret_paths=substitutes.SECRET_PATHS)
    app.add_middleware(RequireAuthenticationMiddleware, public_paths=PUBLIC_PATHS)
    if system.limits is not None:
        app.add_middleware(RateLimitMiddleware, limits=system.limits, sign_in_paths={substitutes.SIGN_IN_PATH})
    app.add_middleware(AuthenticationMiddleware, sign_in=system.sign_in)
    if site is not None:
        app.add_middleware(WebClientMiddleware, folder=site)
    app.add_middleware(BodyLimitMiddleware, form_bytes=MAX_BODY_BYTES, other_bytes=MAX_JSON_BYTES)
    app.add_middleware(RequestLogMiddleware)
    problems.install(app)
    openapi.install(app)
    documentation.install(app)
    if recognition is not None:
        _add_recognition(app, system, recognition)
    _add(app, me_routes(system))
    _add(app, student_routes(system))
    _add(app, absence_routes(system))
    _add(app, guest_routes(system))
    _add(app, oneroster_routes(system))
    _add(app, token_routes(system))
    _add(app, substitutes.substitute_routes(system))
    _add(app, notice_routes(system))
    _add(app, training_routes(system))
    _add(app, group_routes(system))
    _add(app, session_routes(system))
    _add(app, report_routes(system))
    _add(app, timetable_routes(system))
    _add(app, code_routes(system))
    _add(app, retention_routes(system))
    if system.users is not None:
        _add(app, user_routes(system, system.users))
    _add(app, overview_routes(system))
    _add(app, change_routes(system))
    _add(app, export_routes(system))
    if system.uploads is not None:
        _add(app, upload_routes(system.uploads, Authorize(system.access)))
    _add(app, health_routes(system, recognition))
    _deny_by_default(app)
    return app


def _add_recognition(app: FastAPI, system: RecordServices, recognition: Recognition) -> None:
    # A function without recognition need not import these modules.
    from muster.api.routes.faces import face_routes
    from muster.api.routes.pictures import picture_routes
    from muster.api.routes.registration import registration_routes
    from muster.api.routes.roll_call import roll_call_routes

    photos, pictures = recognition_work(), picture_work()
    _add(app, registration_routes(system, recognition, photos, archive_work()))
    _add(app, roll_call_routes(system, recognition, photos))
    _add(app, picture_routes(system, recognition, pictures))
    _add(app, face_routes(system, recognition, pictures))


def _add(app: FastAPI, router: APIRouter) -> None:
    """Add a router's own routes. `include_router` would analyse each of them again, a tenth of a cold start on AWS."""
    app.router.routes.extend(router.routes)


def _deny_by_default(app: FastAPI) -> None:
    """Fail at startup if a route is neither authenticated nor listed in `PUBLIC_PATHS`.

    Raises:
        RuntimeError: there is such a route.
    """
    for route in iter_route_contexts(app.routes):
        dependant: Dependant | None = getattr(route, "dependant", None)
        if route.path not in PUBLIC_PATHS and (dependant is None or not _requires_authentication(dependant)):
            raise RuntimeError(f"{route.path} requires no authentication and is not in PUBLIC_PATHS")


def _requires_authentication(dependant: Dependant) -> bool:
    return any(isinstance(inner.call, Authorize) or _requires_authentication(inner) for inner in dependant.dependencies)
