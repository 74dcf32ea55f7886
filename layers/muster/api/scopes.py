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
            "GET /v1/calendar",
            "GET /v1/groups/{group_id}/lessons",
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
            "PUT /v1/calendar",
            "PUT /v1/groups/{group_id}/lessons",
            "POST /v1/lessons/import",
        }
    ),
    Scope.ATTENDANCE_READ: frozenset(
        {
            "GET /v1/sessions",
            "GET /v1/sessions/{session_id}",
            "GET /v1/sessions/{session_id}/marks",
            "GET /v1/sessions/{session_id}/changes",
            "GET /v1/sessions/{session_id}/guests",
            "GET /v1/codes",
            "GET /v1/lessons",
            "GET /v1/absences",
            "GET /v1/students/{student_id}/absences",
            "GET /v1/reports/absences",
            "GET /v1/reports/attendance",
            "GET /v1/reports/breakdown",
            "GET /v1/reports/changes",
            "GET /v1/reports/day",
            "GET /v1/reports/evacuation",
            "GET /v1/reports/low-attendance",
            "GET /v1/reports/not-taken",
            "GET /v1/reports/sheet",
            "GET /v1/exports/moodle",
            "POST /v1/exports/mapped",
        }
    ),
    Scope.ATTENDANCE_WRITE: frozenset(
        {
            "POST /v1/sessions",
            "PATCH /v1/sessions/{session_id}/marks",
            "POST /v1/sessions/{session_id}/marks/clear",
            "POST /v1/sessions/{session_id}/guests",
            "DELETE /v1/sessions/{session_id}/guests/{guest_id}",
            "POST /v1/sessions/{session_id}/closing",
            "POST /v1/sessions/{session_id}/reopening",
            "POST /v1/groups/{group_id}/lessons/{lesson_id}/session",
            "POST /v1/students/{student_id}/absences",
            "PUT /v1/students/{student_id}/absences/{absence_id}",
            "DELETE /v1/students/{student_id}/absences/{absence_id}",
        }
    ),
}

PEOPLE_ONLY: Final = frozenset(
    {
        # Photos and faces, which never leave by a token.
        "POST /mark/detect",
        "POST /v1/uploads",
        "GET /v1/uploads/{upload_id}",
        "GET /v1/sessions/{session_id}/photos",
        "DELETE /v1/sessions/{session_id}/photos/{photo_id}",
        "GET /v1/sessions/{session_id}/photos/{photo_id}/annotated",
        "GET /v1/sessions/{session_id}/photos/{photo_id}/picture",
        "GET /v1/sessions/{session_id}/questions",
        "GET /v1/sessions/{session_id}/faces/{face_id}/picture",
        "POST /v1/sessions/{session_id}/faces/{face_id}/student",
        "POST /v1/sessions/{session_id}/faces/confirmed",
        # Consent and biometric records of a student, and all data about them.
        "POST /register/register-student",
        "POST /register/register-students",
        "POST /v1/students/{student_id}/consent",
        "POST /v1/students/{student_id}/consent/withdrawal",
        "GET /v1/students/{student_id}/data",
        "GET /v1/students/{student_id}/picture",
        "PUT /v1/students/{student_id}/photo",
        "GET /v1/students/{student_id}/learned-faces",
        "DELETE /v1/students/{student_id}/learned-faces",
        "DELETE /v1/students/{student_id}/learned-faces/{face_id}",
        # Contacts and notices: an address that a leaked token sets would receive the absences of a student.
        "GET /v1/students/{student_id}/contacts",
        "PUT /v1/students/{student_id}/contacts",
        "GET /v1/notices",
        "GET /v1/notices/due",
        "GET /v1/notices/setup",
        "POST /v1/notices/test",
        # Erasure, which cannot be undone.
        "DELETE /v1/groups/{group_id}",
        "DELETE /v1/sessions/{session_id}",
        "DELETE /v1/students/{student_id}",
        # What marks count as, who has access, and how the system is run.
        "PUT /v1/codes",
        "GET /v1/substitutes",
        "POST /v1/substitutes",
        "DELETE /v1/substitutes/{substitute_id}",
        "GET /v1/tokens",
        "PUT /v1/tokens/{name}",
        "DELETE /v1/tokens/{name}",
        "GET /v1/users",
        "PUT /v1/users/{user_id}",
        "DELETE /v1/users/{user_id}",
        "PUT /v1/users/{user_id}/token",
        "GET /v1/retention",
        "GET /v1/training",
    }
)
"""Routes that refuse every token on purpose. A test requires each route in this set or in a scope."""


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
