"""The routes that are open to substitutes: what a register of one day needs. Every other route refuses them."""

from typing import Final

from muster.api.access import not_for_substitutes

ROUTES: Final = frozenset(
    {
        "GET /v1/me",
        "GET /v1/groups",
        "GET /v1/groups/{group_id}",
        "GET /v1/groups/{group_id}/students",
        "GET /v1/codes",
        "GET /v1/lessons",
        "POST /v1/groups/{group_id}/lessons/{lesson_id}/session",
        "GET /v1/sessions",
        "POST /v1/sessions",
        "GET /v1/sessions/{session_id}",
        "GET /v1/sessions/{session_id}/marks",
        "PATCH /v1/sessions/{session_id}/marks",
        "POST /v1/sessions/{session_id}/marks/clear",
        "GET /v1/sessions/{session_id}/changes",
        "GET /v1/sessions/{session_id}/guests",
        "POST /v1/sessions/{session_id}/guests",
        "DELETE /v1/sessions/{session_id}/guests/{guest_id}",
        "POST /v1/sessions/{session_id}/closing",
        "POST /v1/sessions/{session_id}/reopening",
        # Photos of the roll call, and the questions about them.
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
        "GET /v1/students/{student_id}/picture",
        # The person in charge of a class needs it in a fire.
        "GET /v1/reports/evacuation",
    }
)


def check_substitute(method: str, path: str) -> None:
    """Check that a substitute may use a route.

    Args:
        path: the template of the route, such as `/v1/sessions/{session_id}`.

    Raises:
        NotAllowed: they may not.
    """
    if f"{'GET' if method == 'HEAD' else method} {path}" not in ROUTES:
        raise not_for_substitutes()
