"""Notices of absences and contacts of students, for admins."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.notices import (
    ContactList,
    DueNoticeDocument,
    DueNoticeList,
    NoticeDocument,
    NoticeList,
    NoticeSetup,
    TestNotice,
)
from muster.api.system import RecordServices
from muster.domain.identifiers import parse_student_id
from muster.domain.period import Period, parse_day

_PROBLEMS = problems(401, 403, 404, 422)
_SHOWN = timedelta(days=7)


def notice_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["notices"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]
    notices = system.notices

    @router.get("/notices")
    def list_notices(access: caller, since: str | None = None, until: str | None = None) -> NoticeList:
        """Return the notices about a period of days, by default the last week; admins only."""
        access.admin()
        today = datetime.now(UTC).astimezone(notices.zone).date()
        period = Period(parse_day(since) or today - _SHOWN, parse_day(until) or today)
        found = notices.records.find(period.since or today, period.until or today)
        return NoticeList(items=[NoticeDocument.of(notice) for notice in found])

    @router.get("/notices/due")
    def preview_notices(access: caller) -> DueNoticeList:
        """Return the notices that are due now, without sending them; admins only."""
        access.admin()
        due = [DueNoticeDocument.of(notice) for notice in notices.due()]
        return DueNoticeList(enabled=notices.channels is not None, items=due)

    @router.get("/notices/setup")
    def show_setup(access: caller) -> NoticeSetup:
        """Return whether notices are on, who sends and receives them, and their texts; admins only."""
        access.admin()
        return NoticeSetup.of(notices.channels, datetime.now(UTC).astimezone(notices.zone).date())

    @router.post("/notices/test", status_code=204, responses=problems(409, 503))
    def send_test_notice(access: caller, test: TestNotice) -> None:
        """Send a test message to an address; admins only. It names no student and is not kept."""
        access.admin()
        notices.test(test.checked_address(), test.language)

    @router.get("/students/{student_id}/contacts")
    def list_contacts(access: caller, student_id: str) -> ContactList:
        """Return the addresses that receive notices about a student; admins only."""
        access.admin()
        return ContactList.of(notices.records.contacts(access.student(parse_student_id(student_id)).id))

    @router.put("/students/{student_id}/contacts", responses=problems(409))
    def set_contacts(access: caller, student_id: str, contacts: ContactList) -> ContactList:
        """Replace the addresses that receive notices about a student; admins only."""
        access.admin()
        student = access.student(parse_student_id(student_id))
        return ContactList.of(notices.records.set_contacts(student.id, [each.contact() for each in contacts.items]))

    return router
