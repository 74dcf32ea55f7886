"""Attendance reports as JSON, CSV, XLSX or HTML."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.report_forms import FORMS, PROBLEMS, Day, DelimiterQuery, PageLanguage, ReportFormat, answer
from muster.api.schemas.reports import ReportDocument
from muster.api.system import RecordServices
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import parse_group_id, parse_session_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.attendance import AttendanceReport
from muster.reports.csv_file import Delimiter, csv_file
from muster.reports.html_page import html_page
from muster.reports.language import Language
from muster.reports.wording import file_stem
from muster.reports.xlsx_file import xlsx_file


def report_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("/attendance", response_model=ReportDocument, responses=FORMS)
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
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
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
        return answer(_Files(report, language), file_stem(report), format, delimiter)

    return router


class _Files:
    """The formats of a report on one group, student or session."""

    def __init__(self, report: AttendanceReport, language: Language) -> None:
        self._report = report
        self._language = language

    def json(self) -> str:
        return ReportDocument.of(self._report).model_dump_json()

    def csv(self, delimiter: Delimiter) -> bytes:
        return csv_file(self._report, delimiter)

    def xlsx(self) -> bytes:
        return xlsx_file(self._report)

    def html(self) -> str:
        return html_page(self._report, self._language)
