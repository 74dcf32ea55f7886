"""The changes of many registers, as JSON, CSV, XLSX or HTML."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.pagination import Cursor, Limit, read_cursor, write_cursor
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
from muster.api.schemas.changes import ChangesDocument
from muster.api.system import RecordServices
from muster.domain.identifiers import parse_group_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.changes import changes_listing
from muster.reports.csv_file import Delimiter
from muster.services.reporting.changes import ChangeFilter


def change_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]
    history = system.changes

    @router.get("/changes", response_model=ChangesDocument, responses=FORMS)
    def list_changes_of_registers(
        access: caller,
        group_id: Annotated[str | None, Query(description="Only registers of this group.")] = None,
        student_id: Annotated[str | None, Query(description="Only changes that concern this student.")] = None,
        since: Day = None,
        until: Day = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        format: ReportFormat = ReportFormat.JSON,
        delimiter: DelimiterQuery = Delimiter.COMMA,
        *,
        language: PageLanguage,
    ) -> Response:
        """Return who changed what in the registers of a period; admins only.

        `since` and `until` are the days of the registers, which may have been changed later; without `since`, the last
        60 days. The order is that of the registers, and of the changes in each. JSON has pages; the other formats
        contain the whole period.
        """
        access.admin()
        wanted = ChangeFilter(
            period=Period(parse_day(since) or history.recent().since, parse_day(until)),
            group_id=None if group_id is None else parse_group_id(group_id),
            student_id=None if student_id is None else parse_student_id(student_id),
        )
        following = None
        if format is ReportFormat.JSON:
            found, following = history.page(wanted, limit, None if cursor is None else read_cursor(cursor))
        else:
            found = history.whole(wanted)
        users = system.people.names(found.users)
        document = ChangesDocument.of(found, users, None if following is None else write_cursor(following))
        listing = partial(changes_listing, found, users)
        return answer_listing(ListingFiles(listing, document, language), format, delimiter)

    return router
