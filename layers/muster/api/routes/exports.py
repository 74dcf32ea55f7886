"""Marks for other programs: Moodle's attendance plugin, and files by a mapping."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.report_forms import PRIVATE, PROBLEMS, Day
from muster.api.system import RecordServices
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import parse_group_id, parse_session_id
from muster.domain.period import Period, parse_day
from muster.reports.mapped_file import FileMapping, mapped_file
from muster.reports.mark_rows import MarkRow
from muster.reports.moodle import UserField, moodle_archive, moodle_marks

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class ExportRequest(BaseModel):
    """The marks to write, and the mapping: give exactly one of the two ids."""

    model_config = ConfigDict(extra="forbid")

    group_id: str | None = None
    session_id: str | None = None
    since: str | None = None
    until: str | None = None
    mapping: FileMapping


def export_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/exports", tags=["reports"], responses=PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    def rows_of(
        access: Access, group_id: str | None, session_id: str | None, since: str | None, until: str | None
    ) -> list[MarkRow]:
        if (group_id is None) == (session_id is None):
            raise InvalidRequest("Give exactly one of group_id and session_id.")
        period = Period(parse_day(since), parse_day(until))
        if group_id is not None:
            group = parse_group_id(group_id)
            access.group(group)
            return system.exports.of_group(group, period)
        if period != Period():
            raise InvalidRequest("A session has its own day. Leave out since and until.")
        return system.exports.of_session(access.session(parse_session_id(session_id or "")).id)

    @router.get("/moodle", response_class=Response, responses=_FILE)
    def moodle(
        access: caller,
        group_id: Annotated[str | None, Query(description="An archive with all sessions and marks.")] = None,
        session_id: Annotated[str | None, Query(description="The marks of one session as CSV.")] = None,
        since: Day = None,
        until: Day = None,
        user_field: Annotated[
            UserField, Query(description="Field of a Moodle user that holds the student's id.")
        ] = UserField.IDNUMBER,
        codes: Annotated[bool, Query(description="Write the school's codes instead of P, L, A and E.")] = False,
    ) -> Response:
        """Export sessions and marks for the import forms of Moodle's attendance plugin."""
        rows = rows_of(access, group_id, session_id, since, until)
        if session_id is not None:
            return _file(moodle_marks(rows, user_field, codes=codes), "text/csv", f"moodle-{session_id}.csv")
        return _file(moodle_archive(rows, user_field, codes=codes), "application/zip", f"moodle-{group_id}.zip")

    @router.post("/mapped", response_class=Response, responses=_FILE)
    def mapped(access: caller, request: ExportRequest) -> Response:
        """Export marks as a file whose columns and values a mapping names."""
        rows = rows_of(access, request.group_id, request.session_id, request.since, request.until)
        name = request.group_id or request.session_id
        return _file(mapped_file(rows, request.mapping), "text/csv", f"marks-{name}.csv")

    return router


def _file(content: bytes, media_type: str, name: str) -> Response:
    # The mapping chooses the encoding, so the header must not name another one.
    headers = {**PRIVATE, "Content-Type": media_type, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers)
