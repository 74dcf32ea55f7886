"""Lessons, terms and holidays, and the registers of a day's lessons."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, expected
from muster.api.pagination import Cursor, page
from muster.api.problems import problems
from muster.api.schemas.sessions import SessionDocument
from muster.api.schemas.timetable import (
    CalendarChange,
    CalendarDocument,
    DayDocument,
    ImportedLessonsDocument,
    LessonOfDayDocument,
    LessonsChange,
    LessonsDocument,
    LessonToOpen,
    NotTakenDocument,
    clock_time,
)
from muster.api.system import RecordServices
from muster.domain.errors import UnsupportedTable
from muster.domain.group import Group
from muster.domain.identifiers import parse_group_id
from muster.domain.period import parse_day
from muster.services.timetable.timetables import LessonOfDay

_FILE_PROBLEMS = problems(409, 412, 415)
_PROBLEMS = problems(401, 403, 404, 422)
_CHANGE = problems(412, 428)

Day = Annotated[
    str | None,
    Query(description="By default today.", json_schema_extra={"format": "date"}, examples=["2026-09-01"]),
]
By = Annotated[
    str, Query(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$", description="Local time of the school.", examples=["09:30"])
]

MAX_LESSONS = 5_000
"""Lessons in one answer, about 2 MB; a Lambda function can return 6 MB."""

LessonLimit = Annotated[int, Query(ge=1, le=MAX_LESSONS, description="Maximum number of lessons per page.")]


def timetable_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["timetable"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]
    timetables = system.timetables

    @router.get("/calendar")
    def get_calendar(access: caller, response: Response) -> CalendarDocument:
        """Return the terms and holidays of the school."""
        calendar, version = timetables.calendar()
        response.headers["ETag"] = etag(version)
        return CalendarDocument.of(calendar, version)

    @router.put("/calendar", responses=_CHANGE)
    def change_calendar(
        access: caller, change: CalendarChange, response: Response, if_match: IfMatch = None
    ) -> CalendarDocument:
        """Replace the terms and holidays of the school; admins only."""
        access.admin()
        calendar = change.calendar()
        version = timetables.change_calendar(calendar, expected(if_match, timetables.calendar()[1]))
        response.headers["ETag"] = etag(version)
        return CalendarDocument.of(calendar, version)

    @router.get("/groups/{group_id}/lessons")
    def get_lessons(access: caller, group_id: str, response: Response) -> LessonsDocument:
        """Return the weekly lessons of a group."""
        identifier = parse_group_id(group_id)
        access.group(identifier)
        found = timetables.lessons(identifier)
        response.headers["ETag"] = etag(found.version)
        return LessonsDocument.of(found)

    @router.put("/groups/{group_id}/lessons", responses=_CHANGE)
    def change_lessons(
        access: caller, group_id: str, change: LessonsChange, response: Response, if_match: IfMatch = None
    ) -> LessonsDocument:
        """Replace the weekly lessons of a group; admins only. Registers that are open do not change."""
        access.admin()
        identifier = parse_group_id(group_id)
        version = expected(if_match, timetables.lessons(identifier).version)
        lessons = [document.lesson(identifier) for document in change.lessons]
        found = timetables.change_lessons(identifier, lessons, version)
        response.headers["ETag"] = etag(found.version)
        return LessonsDocument.of(found)

    @router.get("/lessons")
    def list_lessons_of_day(
        access: caller, day: Day = None, limit: LessonLimit = MAX_LESSONS, cursor: Cursor = None
    ) -> DayDocument:
        """Return the lessons of a day in the groups that the caller may see, with the state of their registers."""
        wanted = parse_day(day) or timetables.today()
        access.on(wanted)
        lessons = timetables.of_day(wanted, access.groups())
        shown, following = page(lessons, _place, limit, cursor)
        documents = [LessonOfDayDocument.of(lesson) for lesson in shown]
        return DayDocument(day=wanted, lessons=documents, next_cursor=following)

    @router.post("/lessons/import", responses=_FILE_PROBLEMS)
    def import_lessons(
        access: caller,
        file: Annotated[UploadFile, File(description="CSV or XLSX with a header row, or iCalendar.")],
        group_id: Annotated[
            str | None, Query(description="The group of rows that name none; a calendar needs it.")
        ] = None,
        dry_run: Annotated[bool, Query(description="Return the plan, and write nothing.")] = False,
    ) -> ImportedLessonsDocument:
        """Replace the lessons of the groups that a file names; admins only. If a row has an error, nothing is written.

        A dry run returns which lessons are added, changed and removed.
        """
        access.admin()
        # Only callers that import lessons wait for its modules.
        from muster.services.timetable_import.parsed import MAX_BYTES
        from muster.services.timetable_import.planning import TimetableImport

        if file.size is not None and file.size > MAX_BYTES:
            raise UnsupportedTable(f"The file is larger than {MAX_BYTES // 1_000_000} MB: split it.")
        group = None if group_id is None else parse_group_id(group_id)
        plan = TimetableImport(timetables).run(file.file.read(), group, dry_run=dry_run)
        return ImportedLessonsDocument.of(plan)

    @router.post("/groups/{group_id}/lessons/{lesson_id}/session")
    def open_lesson(
        access: caller, group_id: str, lesson_id: str, to_open: LessonToOpen, response: Response
    ) -> SessionDocument:
        """Open the register of a lesson, or return it if it is open already."""
        identifier = parse_group_id(group_id)
        access.group(identifier)
        day = to_open.day or timetables.today()
        access.on(day)
        detail = timetables.open(identifier, lesson_id, day, access.actor())
        response.headers["Location"] = f"/v1/sessions/{detail.session.id}"
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    @router.get("/reports/not-taken")
    def not_taken(
        access: caller, by: By, day: Day = None, limit: LessonLimit = MAX_LESSONS, cursor: Cursor = None
    ) -> NotTakenDocument:
        """Return the registers that are not taken, of lessons that started by a time of day.

        Lessons come first, by start, then groups without a timetable; a page may hold some of both.
        """
        wanted = parse_day(day) or timetables.today()
        found = timetables.missing(wanted, clock_time(by), access.groups())
        groups = sorted(found.groups, key=lambda group: group.id)
        missing: list[LessonOfDay | Group] = [*found.lessons, *groups]
        shown, following = page(missing, _place_of_missing, limit, cursor)
        part = replace(
            found,
            lessons=tuple(each for each in shown if isinstance(each, LessonOfDay)),
            groups=tuple(each for each in shown if isinstance(each, Group)),
        )
        return NotTakenDocument.of(part, following)

    return router


def _place_of_missing(missing: LessonOfDay | Group) -> str:
    return f"without lessons {missing.id}" if isinstance(missing, Group) else f"lesson {_place(missing)}"


def _place(lesson: LessonOfDay) -> str:
    """Return a key in the order of the lessons of a day."""
    occurrence = lesson.occurrence
    starts_at = occurrence.starts_at.isoformat(timespec="seconds")
    return f"{starts_at} {occurrence.lesson.group_id} {occurrence.lesson.id}"
