"""Breakdowns, absences, days, evacuation lists and blank sheets, as JSON, CSV, XLSX or HTML."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.report_forms import (
    FORMS,
    PROBLEMS,
    Day,
    DelimiterQuery,
    ListingFiles,
    PageLanguage,
    ReportFormat,
    answer_listing,
)
from muster.api.schemas.overviews import (
    AttendancesDocument,
    BlankSheetDocument,
    BreakdownDocument,
    DayDocument,
    EvacuationDocument,
)
from muster.api.system import RecordServices
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import GroupId, parse_group_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.breakdown import Dimension, break_down
from muster.reports.csv_file import Delimiter
from muster.reports.evacuation import evacuation_listing, evacuation_page
from muster.reports.listings import breakdown_listing, day_listing, low_listing, missing_listing, scope_name

GroupQuery = Annotated[str | None, Query(description="One group; default: all groups that the caller may see.")]


def overview_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]
    overviews = system.overviews

    @router.get("/breakdown", response_model=BreakdownDocument, responses=FORMS)
    def breakdown(
        access: caller,
        by: Dimension,
        group_id: Annotated[str | None, Query(description="All students who are, or were, in this group.")] = None,
        student_id: Annotated[str | None, Query(description="One student, in all groups.")] = None,
        since: Day = None,
        until: Day = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """Report attendance by subject, teacher, weekday or period of the day.

        Give exactly one of the two ids. Sessions without a lesson are one line of their own.
        """
        period = Period(parse_day(since), parse_day(until))
        if (group_id is None) == (student_id is None):
            raise InvalidRequest("Give exactly one of group_id and student_id.")
        if group_id is not None:
            group = parse_group_id(group_id)
            access.group(group)
            report = system.reports.of_group(group, period)
        else:
            student = access.student(parse_student_id(student_id or ""))
            report = system.reports.of_student(student.id, period, access.groups())
        found = break_down(report, by)
        files = ListingFiles(partial(breakdown_listing, found), BreakdownDocument.of(found), language)
        return answer_listing(files, format, delimiter)

    @router.get("/absences", response_model=AttendancesDocument, responses=FORMS)
    def absences(
        access: caller,
        days: Annotated[int | None, Query(description="Days missed in a row, at least.", examples=[3])] = None,
        sessions: Annotated[int | None, Query(description="Sessions missed in a row, at least.")] = None,
        group_id: GroupQuery = None,
        since: Day = None,
        until: Day = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """List the students who missed several days or sessions in a row, up to the last one.

        Give one of `days` and `sessions`; without both, 3 days. Without `since` the last 60 days count.
        """
        if days is not None and sessions is not None:
            raise InvalidRequest("Give only one of days and sessions.")
        group = _group(access, group_id)
        period = Period(parse_day(since) or overviews.recent().since, parse_day(until))
        at_least = sessions if sessions is not None else 3 if days is None else days
        in_days = sessions is None
        found = overviews.missing(at_least, period, days=in_days, group_id=group, visible=access.groups())
        unit = "days" if in_days else "sessions"
        listing = partial(missing_listing, found, at_least, unit, scope_name(group), period, overviews.zone)
        return answer_listing(ListingFiles(listing, AttendancesDocument.of(found, period), language), format, delimiter)

    @router.get("/low-attendance", response_model=AttendancesDocument, responses=FORMS)
    def low_attendance(
        access: caller,
        below: Annotated[float, Query(description="In percent.", examples=[90])] = 90,
        group_id: GroupQuery = None,
        since: Day = None,
        until: Day = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """List the students whose attendance rate is below a threshold, the lowest first."""
        group = _group(access, group_id)
        period = Period(parse_day(since), parse_day(until))
        found = overviews.low(below, period, group_id=group, visible=access.groups())
        listing = partial(low_listing, found, below, scope_name(group), period, overviews.zone)
        return answer_listing(ListingFiles(listing, AttendancesDocument.of(found, period), language), format, delimiter)

    @router.get("/day", response_model=DayDocument, responses=FORMS)
    def day(
        access: caller,
        day: Day = None,
        group_id: GroupQuery = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """Report who is absent on a day, today by default.

        Students with an open question, and students without a register, are not absent; they are listed apart.
        """
        group = _group(access, group_id)
        found = overviews.of_day(parse_day(day), group_id=group, visible=access.groups())
        return answer_listing(
            ListingFiles(partial(day_listing, found), DayDocument.of(found), language), format, delimiter
        )

    @router.get("/evacuation", response_model=EvacuationDocument, responses=FORMS)
    def evacuation(
        access: caller,
        group_id: GroupQuery = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """List everyone in the building by today's registers, and those who are not known; HTML has boxes to tick."""
        group = _group(access, group_id)
        found = overviews.of_day(group_id=group, visible=access.groups())
        listing, page = (lambda _: evacuation_listing(found)), partial(evacuation_page, found)
        files = ListingFiles(listing, EvacuationDocument.of(found), language, page)
        return answer_listing(files, format, delimiter)

    @router.get("/sheet", response_model=BlankSheetDocument, responses=FORMS)
    def sheet(
        access: caller,
        group_id: str,
        day: Day = None,
        columns: Annotated[int | None, Query(description="Number of empty columns; default: one per lesson.")] = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """Return a blank register to print: the roster, with the lessons of a day or empty columns."""
        group = parse_group_id(group_id)
        access.group(group)
        found = overviews.blank_sheet(group, parse_day(day), columns)
        files = ListingFiles(lambda _: found.listing(), BlankSheetDocument.of(found), language, found.html)
        return answer_listing(files, format, delimiter)

    return router


def _group(access: Access, group_id: str | None) -> GroupId | None:
    if group_id is None:
        return None
    group = parse_group_id(group_id)
    access.group(group)
    return group
