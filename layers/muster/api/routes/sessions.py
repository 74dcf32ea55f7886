"""Roll calls read back."""

from typing import Annotated

from fastapi import APIRouter, Depends

from muster.api.access import Access
from muster.api.problems import Problem
from muster.api.schemas import MarkDocument, PhotoDocument
from muster.api.system import Records
from muster.domain.identifiers import parse_session_id

_PROBLEMS = {status: {"model": Problem} for status in (401, 403, 404, 422)}


def session_routes(system: Records) -> APIRouter:
    """Make the router over one system."""
    router = APIRouter(prefix="/v1/sessions", tags=["sessions"], responses=_PROBLEMS)  # type: ignore[arg-type]
    caller = Annotated[Access, Depends(system.access)]

    @router.get("/{session_id}/marks")
    def list_marks(access: caller, session_id: str) -> list[MarkDocument]:
        """Return everyone's status in one session, ordered by student id."""
        roll_call = system.sessions.get(access.session(parse_session_id(session_id)).id)
        return [MarkDocument.of(mark, dict(roll_call.names)) for mark in roll_call.marks]

    @router.get("/{session_id}/photos")
    def list_photos(access: caller, session_id: str) -> list[PhotoDocument]:
        """Return the photos of one session with their faces, in the order received."""
        roll_call = system.sessions.get(access.session(parse_session_id(session_id)).id)
        return [PhotoDocument.of(photo, dict(roll_call.names)) for photo in roll_call.photos]

    return router
