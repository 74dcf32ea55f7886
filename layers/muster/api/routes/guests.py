"""Guests of sessions, for the teachers of the group and admins."""

from typing import Annotated

from fastapi import APIRouter, Depends

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.guests import GuestDocument, GuestsDocument, NewGuest
from muster.api.system import RecordServices
from muster.domain.identifiers import parse_session_id, parse_student_id

_PROBLEMS = problems(401, 403, 404, 409, 422)


def guest_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/sessions/{session_id}/guests", tags=["sessions"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("")
    def list_guests(access: caller, session_id: str) -> GuestsDocument:
        """Return the guests of a session, and who added and removed them."""
        book = system.guests.of(access.session(parse_session_id(session_id)).id)
        users = system.people.names({*(guest.by for guest in book.guests), *(change.by for change in book.changes)})
        return GuestsDocument.of(book, users)

    @router.post("", status_code=201)
    def add_guest(access: caller, session_id: str, new: NewGuest) -> GuestDocument:
        """Add somebody who is there, but not in the group.

        Guests count in no figure, and no face is learned. A student who is a guest already is returned as stored.
        """
        session = access.session(parse_session_id(session_id))
        student = None if new.student_id is None else access.student(parse_student_id(new.student_id))
        guest = system.guests.add(session.id, new.name, access.principal.user_id, student)
        return GuestDocument.of(guest, system.people.names({guest.by}))

    @router.delete("/{guest_id}", status_code=204)
    def remove_guest(access: caller, session_id: str, guest_id: str) -> None:
        """Remove a guest; the changes keep who did."""
        session = access.session(parse_session_id(session_id))
        system.guests.remove(session.id, guest_id, access.principal.user_id)

    return router
