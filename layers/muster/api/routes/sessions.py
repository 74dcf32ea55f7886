"""Sessions: opened, listed, marked by hand, removed."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, expected, pinned
from muster.api.pagination import Cursor, Limit, page
from muster.api.problems import problems
from muster.api.schemas.questions import QuestionDocument
from muster.api.schemas.roll_call import MarkDocument, PhotoDocument
from muster.api.schemas.sessions import (
    ChangePage,
    MarksChange,
    MarksToClear,
    NewSession,
    RegisterClosing,
    RegisterReopening,
    SessionDocument,
    SessionPage,
    SessionSummary,
    change_document,
)
from muster.api.system import RecordServices
from muster.domain.attendance import MarkStatus
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import PhotoId, SessionId, StudentId, parse_group_id, parse_session_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.services.codes.tables import WantedMark

_PROBLEMS = problems(401, 403, 404, 422)
_CONFLICT = problems(409)
_STALE = problems(412)
_CHANGE = problems(412, 428)

Day = Annotated[str | None, Query(json_schema_extra={"format": "date"}, examples=["2026-09-01"])]


def session_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/sessions", tags=["sessions"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    def lessons(day: date) -> set[SessionId]:
        return {lesson.occurrence.session_id for lesson in system.timetables.of_day(day)}

    @router.get("")
    def list_sessions(
        access: caller,
        group_id: str | None = None,
        since: Day = None,
        until: Day = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> SessionPage:
        """Return the sessions of a group, or of all groups that the caller may see, oldest first.

        `since` and `until` are days in the school's time zone, both included.
        """
        period = Period(parse_day(since), parse_day(until))
        own = access.groups()
        if group_id is not None:
            groups = [parse_group_id(group_id)]
            access.group(groups[0])
        else:
            groups = sorted(own) if own is not None else [group.id for group in system.groups.find()]
        sessions = system.sessions.find(groups, *access.within(*period.moments(system.reports.zone)))
        shown, following = page(
            sessions,
            lambda session: f"{session.started_at.isoformat(timespec='microseconds')} {session.id}",
            limit,
            cursor,
        )
        items = [SessionSummary.of(overview) for overview in system.sessions.with_marks(shown)]
        return SessionPage(items=items, next_cursor=following)

    @router.post("", status_code=201, responses=_CONFLICT)
    def open_session(access: caller, new: NewSession, response: Response) -> SessionDocument:
        """Open a session before its photos. Until somebody is present, it is not taken and nobody is absent."""
        group_id = parse_group_id(new.group_id)
        access.group(group_id)
        access.at(new.started_at)
        session_id = None if new.session_id is None else parse_session_id(new.session_id)
        access.opens(session_id, lessons)
        detail = system.sessions.open(group_id, session_id, new.started_at, access.actor())
        response.headers["Location"] = f"/v1/sessions/{detail.session.id}"
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.get("/{session_id}")
    def get_session(access: caller, session_id: str, response: Response) -> SessionDocument:
        """Return one session with its marks."""
        detail = system.sessions.get(access.session(parse_session_id(session_id)).id)
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.delete("/{session_id}", status_code=204, responses={**_CONFLICT, **_STALE})
    def remove_session(access: caller, session_id: str, if_match: IfMatch = None) -> None:
        """Remove a session with its photos, marks and changes. It cannot be undone.

        A closed register is refused, for admins too: reopen it first.
        """
        session = access.session(parse_session_id(session_id))
        system.corrections.remove(session.id, pinned(if_match, session.version), by=access.principal.user_id)

    @router.get("/{session_id}/marks")
    def list_marks(access: caller, session_id: str, response: Response) -> list[MarkDocument]:
        """Return the students' marks in one session, ordered by student id; nobody is absent if it is not taken."""
        detail = system.sessions.get(access.session(parse_session_id(session_id)).id)
        response.headers["ETag"] = etag(detail.session.version)
        return MarkDocument.of_all(detail.marks, detail.names, detail.by_people)

    @router.patch("/{session_id}/marks", responses={**_CONFLICT, **_CHANGE})
    def set_marks(
        access: caller, session_id: str, change: MarksChange, response: Response, if_match: IfMatch = None
    ) -> SessionDocument:
        """Set marks by hand, all or none; no photo changes them afterwards.

        Any student in the group can be marked, including those who joined after the session was opened or who are not
        recognised by their face.
        """
        session = access.session(parse_session_id(session_id))
        expected(if_match, session.version)
        wanted: dict[StudentId, WantedMark] = {}
        for mark in change.marks:
            student_id = parse_student_id(mark.student_id)
            if student_id in wanted:
                raise InvalidRequest(f"{student_id} is listed twice. List each student once.")
            wanted[student_id] = mark.wanted()
        marks = system.codes.marks(wanted, session.begins_at)
        system.corrections.mark(
            session.id,
            marks,
            access.principal.user_id,
            pinned(if_match, session.version),
            reason=change.reason,
        )
        detail = system.sessions.get(session.id)
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.post("/{session_id}/marks/clear", responses=_CHANGE)
    def clear_marks(
        access: caller, session_id: str, cleared: MarksToClear, response: Response, if_match: IfMatch = None
    ) -> SessionDocument:
        """Remove marks that people set by hand; photos decide again. Other marks stay.

        This undoes a change of marks. The removal is a change of its own in the list of changes.
        """
        session = access.session(parse_session_id(session_id))
        expected(if_match, session.version)
        students = [parse_student_id(student_id) for student_id in cleared.student_ids]
        system.corrections.clear(session.id, students, access.principal.user_id, pinned(if_match, session.version))
        detail = system.sessions.get(session.id)
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.post("/{session_id}/closing", responses={**_CONFLICT, **_STALE})
    def close_register(
        access: caller, session_id: str, closing: RegisterClosing, response: Response, if_match: IfMatch = None
    ) -> SessionDocument:
        """Close a register: its marks, photos and faces do not change until it is reopened.

        It must be taken. Open questions refuse the closing, unless `unanswered` says what these students are.
        """
        session = access.session(parse_session_id(session_id))
        unanswered = None if closing.unanswered is None else MarkStatus(closing.unanswered)
        by, version = access.principal.user_id, pinned(if_match, session.version)
        system.registers.close(session.id, by, version, unanswered=unanswered)
        detail = system.sessions.get(session.id)
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.post("/{session_id}/reopening", responses=_STALE)
    def reopen_register(
        access: caller, session_id: str, reopening: RegisterReopening, response: Response, if_match: IfMatch = None
    ) -> SessionDocument:
        """Reopen a closed register; the reason is kept with the changes."""
        session = access.session(parse_session_id(session_id))
        by, version = access.principal.user_id, pinned(if_match, session.version)
        system.registers.reopen(session.id, by, reopening.reason, version)
        detail = system.sessions.get(session.id)
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.get("/{session_id}/changes")
    def list_changes(access: caller, session_id: str, limit: Limit = 100, cursor: Cursor = None) -> ChangePage:
        """Return the changes that people made in a session, oldest first: by, time, before and after."""
        session = access.session(parse_session_id(session_id))
        names = system.sessions.get(session.id).names
        numbered = [(f"{number:08d}", change) for number, change in enumerate(system.sessions.changes(session.id))]
        shown, following = page(numbered, lambda pair: pair[0], limit, cursor)
        users = system.people.names({change.by for _, change in shown})
        items = [change_document(change, names, users) for _, change in shown]
        return ChangePage(items=items, next_cursor=following)

    @router.get("/{session_id}/questions")
    def list_questions(access: caller, session_id: str) -> list[QuestionDocument]:
        """Return one question for each student in review, with their best face, the likeliest first.

        A yes makes the student present; their other faces in the session need no answer.
        """
        session = access.session(parse_session_id(session_id))
        return [QuestionDocument.of(session, question) for question in system.sessions.questions(session.id)]

    @router.get("/{session_id}/photos")
    def list_photos(access: caller, session_id: str) -> list[PhotoDocument]:
        """Return the photos of one session with their faces, in the order received."""
        detail = system.sessions.get(access.session(parse_session_id(session_id)).id)
        return [PhotoDocument.of(photo, dict(detail.names)) for photo in detail.photos]

    @router.delete("/{session_id}/photos/{photo_id}", status_code=204, responses=_STALE)
    def remove_photo(
        access: caller, session_id: str, photo_id: str, response: Response, if_match: IfMatch = None
    ) -> None:
        """Remove a photo with its faces. It cannot be undone.

        Marks are updated, except those that a person set by hand: students who appear in no other photo are in review
        or absent again. Embeddings learned from the photo's faces are removed. The ETag is the session's new version.
        """
        session = access.session(parse_session_id(session_id))
        by, version = access.principal.user_id, pinned(if_match, session.version)
        changed = system.corrections.remove_photo(session.id, PhotoId(photo_id), by, version)
        response.headers["ETag"] = etag(changed.version)

    return router
