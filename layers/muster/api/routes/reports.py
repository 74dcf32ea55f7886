"""Attendance reports as JSON, CSV, XLSX or HTML."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.reports import ReportDocument
from muster.api.system import RecordServices
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import parse_group_id, parse_session_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.attendance import AttendanceReport
from muster.reports.csv_file import Delimiter, csv_file
from muster.reports.html_page import PAGE_POLICY, html_page
from muster.reports.wording import file_stem
from muster.reports.xlsx_file import xlsx_file

_PROBLEMS = problems(401, 403, 404, 413, 422)


class ReportFormat(StrEnum):
    """The formats of a report."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


_MEDIA_TYPES = {
    ReportFormat.JSON: "application/json",
    ReportFormat.CSV: "text/csv",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.HTML: "text/html",
}
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report. CSV and XLSX are sent as attachments.",
        "content": {
            _MEDIA_TYPES[ReportFormat.CSV]: {
                "schema": {
                    "type": "string",
                    "description": 'UTF-8 with byte order mark. An id that looks like a number is written `="007"`, so '
                    "that a spreadsheet keeps its zeros. A name that looks like a formula starts with an apostrophe.",
                }
            },
            _MEDIA_TYPES[ReportFormat.XLSX]: {"schema": {"type": "string", "format": "binary"}},
            _MEDIA_TYPES[ReportFormat.HTML]: {
                "schema": {"type": "string", "description": "A printable page with a heat map of the period."}
            },
        },
    }
}

Day = Annotated[str | None, Query(json_schema_extra={"format": "date"}, examples=["2026-09-01"])]


def report_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("/attendance", response_model=ReportDocument, responses=_FORMS)
    def attendance(
        access: caller,
        group_id: Annotated[str | None, Query(description="All students who are, or were, in this group.")] = None,
        student_id: Annotated[
            str | None,
            Query(description="One student, in their present and earlier groups, as far as the caller may see them."),
        ] = None,
        session_id: Annotated[str | None, Query(description="One session, without `since` and `until`.")] = None,
        since: Day = None,
        until: Day = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: Annotated[
            Delimiter,
            Query(description="Of CSV. German or French Excel needs `semicolon`, with decimal commas."),
        ] = Delimiter.COMMA,
    ) -> Response:
        """Report the attendance of one group, one student or one session.

        Give exactly one of the three ids. `since` and `until` are days in the school's time zone, both included.
        """
        if sum(given is not None for given in (group_id, student_id, session_id)) != 1:
            raise InvalidRequest("Give exactly one of group_id, student_id and session_id.")
        period = Period(parse_day(since), parse_day(until))
        if group_id is not None:
            group = parse_group_id(group_id)
            access.group(group)
            report = system.reports.of_group(group, period)
        elif student_id is not None:
            student = access.student(parse_student_id(student_id))
            report = system.reports.of_student(student.id, period, access.groups())
        else:
            if period != Period():
                raise InvalidRequest("A session has its own day. Leave out since and until.")
            report = system.reports.of_session(access.session(parse_session_id(session_id or "")).id)
        return _response(report, format, delimiter)

    return router


def _response(report: AttendanceReport, form: ReportFormat, delimiter: Delimiter) -> Response:
    content: str | bytes
    match form:
        case ReportFormat.JSON:
            content = ReportDocument.of(report).model_dump_json()
        case ReportFormat.CSV:
            content = csv_file(report, delimiter)
        case ReportFormat.XLSX:
            content = xlsx_file(report)
        case ReportFormat.HTML:
            content = html_page(report)
    # It contains names of students, so no shared cache may keep it.
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    if form is not ReportFormat.JSON:
        where = "inline" if form is ReportFormat.HTML else "attachment"
        headers["Content-Disposition"] = f'{where}; filename="{file_stem(report)}.{form}"'
    if form is ReportFormat.HTML:
        headers["Content-Security-Policy"] = PAGE_POLICY
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[form])
