"""The routes that API tokens open, by scope. A route that is not listed here refuses every token."""

from collections.abc import Mapping
from typing import Final

from muster.domain.api_token import Scope
from muster.domain.errors import ScopeMissing

ANY_SCOPE: Final = frozenset({"GET /v1/me"})
"""Routes that every token opens."""

ROUTES: Final[Mapping[Scope, frozenset[str]]] = {
    Scope.ROSTER_READ: frozenset(
        {
            "GET /v1/groups",
            "GET /v1/groups/{group_id}",
            "GET /v1/groups/{group_id}/students",
            "GET /v1/students",
            "GET /v1/students/{student_id}",
        }
    ),
    Scope.ROSTER_WRITE: frozenset(
        {
            "POST /v1/groups",
            "PATCH /v1/groups/{group_id}",
            "POST /v1/students",
            "PATCH /v1/students/{student_id}",
            "POST /v1/students/import",
            "POST /v1/oneroster/import",
        }
    ),
    Scope.ATTENDANCE_READ: frozenset(
        {
            "GET /v1/sessions",
            "GET /v1/sessions/{session_id}",
            "GET /v1/sessions/{session_id}/marks",
            "GET /v1/sessions/{session_id}/changes",
            "GET /v1/reports/attendance",
        }
    ),
    Scope.ATTENDANCE_WRITE: frozenset(
        {
            "POST /v1/sessions",
            "PATCH /v1/sessions/{session_id}/marks",
        }
    ),
}


def check_scopes(scopes: frozenset[Scope], method: str, path: str) -> None:
    """Check that a token with these scopes may use a route.

    Args:
        path: the template of the route, such as `/v1/students/{student_id}`.

    Raises:
        ScopeMissing: it may not.
    """
    route = f"{'GET' if method == 'HEAD' else method} {path}"
    if route in ANY_SCOPE or any(route in ROUTES[scope] for scope in scopes):
        return
    needed = [scope.value for scope, routes in ROUTES.items() if route in routes]
    if needed:
        raise ScopeMissing(f"This needs a token with the scope {needed[0]}. Ask an admin for one.")
    raise ScopeMissing("API tokens cannot be used for this. Sign in as a user.")
