"""Lessons, terms and holidays as the API shows and accepts them."""

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.identifiers import GroupId
from muster.domain.timetable import Lesson, LessonState, SchoolCalendar, Span
from muster.services.timetable.timetables import LessonOfDay, MissingRegisters, Versioned
from muster.services.timetable.validation import MAX_CANCELLED, MAX_LESSONS, MAX_SPANS, MAX_TEXT

if TYPE_CHECKING:
    from muster.services.timetable_import.planning import ImportPlan

_TIME = r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$"
ClockTime = Annotated[str, Field(pattern=_TIME, description="Local time of the school.", examples=["08:15"])]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class LessonDocument(BaseModel):
    """A weekly lesson of a group."""

    model_config = ConfigDict(extra="forbid")

    lesson_id: str | None = Field(
        default=None,
        max_length=MAX_TEXT,
        description="Keep it when the lesson changes, so that registers that are open stay its own; left out for a new "
        "lesson.",
        examples=["f3a9"],
    )
    weekday: int = Field(ge=1, le=7, description="1 for Monday to 7 for Sunday.", examples=[1])
    starts: ClockTime
    ends: ClockTime
    subject: Text = ""
    room: Text = ""
    teacher: Text = ""
    first_day: date | None = Field(default=None, examples=["2026-09-01"])
    last_day: date | None = Field(default=None, description="Included.", examples=["2027-07-16"])
    every_weeks: int = Field(
        default=1, ge=1, le=8, description="2 for every other week, counted from the week of `first_day`."
    )
    cancelled: list[date] = Field(default=[], max_length=MAX_CANCELLED, description="Days without the lesson.")

    @classmethod
    def of(cls, lesson: Lesson) -> Self:
        """Describe a lesson."""
        return cls(
            lesson_id=lesson.id,
            weekday=lesson.weekday,
            starts=f"{lesson.starts:%H:%M}",
            ends=f"{lesson.ends:%H:%M}",
            subject=lesson.subject,
            room=lesson.room,
            teacher=lesson.teacher,
            first_day=lesson.first_day,
            last_day=lesson.last_day,
            every_weeks=lesson.every_weeks,
            cancelled=sorted(lesson.cancelled),
        )

    def lesson(self, group_id: GroupId) -> Lesson:
        """Return the lesson; one without an id gets a new one."""
        return Lesson(
            id=self.lesson_id or uuid4().hex[:12],
            group_id=group_id,
            weekday=self.weekday,
            starts=clock_time(self.starts),
            ends=clock_time(self.ends),
            subject=self.subject.strip(),
            room=self.room.strip(),
            teacher=self.teacher.strip(),
            first_day=self.first_day,
            last_day=self.last_day,
            every_weeks=self.every_weeks,
            cancelled=frozenset(self.cancelled),
        )


class LessonsDocument(BaseModel):
    """The weekly lessons of a group."""

    lessons: list[LessonDocument] = Field(max_length=MAX_LESSONS)
    version: int = Field(description="Counts changes, from 0; the ETag.", examples=[1])

    @classmethod
    def of(cls, found: Versioned) -> Self:
        """Describe lessons."""
        return cls(lessons=[LessonDocument.of(lesson) for lesson in found.lessons], version=found.version)


class LessonsChange(BaseModel):
    """The lessons that replace all weekly lessons of a group."""

    model_config = ConfigDict(extra="forbid")

    lessons: list[LessonDocument] = Field(max_length=MAX_LESSONS)


class SpanDocument(BaseModel):
    """A term or a holiday."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=MAX_TEXT, examples=["Autumn term"])
    first_day: date = Field(examples=["2026-09-01"])
    last_day: date = Field(description="Included.", examples=["2026-12-18"])

    @classmethod
    def of(cls, span: Span) -> Self:
        """Describe a term or holiday."""
        return cls(name=span.name, first_day=span.first_day, last_day=span.last_day)

    def span(self) -> Span:
        """Return the term or holiday."""
        return Span(self.name.strip(), self.first_day, self.last_day)


class CalendarChange(BaseModel):
    """The terms and holidays that replace those of the school."""

    model_config = ConfigDict(extra="forbid")

    terms: list[SpanDocument] = Field(
        default=[], max_length=MAX_SPANS, description="Without terms, every day that is no holiday may have lessons."
    )
    holidays: list[SpanDocument] = Field(default=[], max_length=MAX_SPANS)

    def calendar(self) -> SchoolCalendar:
        """Return terms and holidays."""
        return SchoolCalendar(
            tuple(term.span() for term in self.terms), tuple(holiday.span() for holiday in self.holidays)
        )


class CalendarDocument(BaseModel):
    """The terms and holidays of the school."""

    terms: list[SpanDocument]
    holidays: list[SpanDocument]
    version: int = Field(description="Counts changes, from 0; the ETag.", examples=[1])

    @classmethod
    def of(cls, calendar: SchoolCalendar, version: int) -> Self:
        """Describe terms and holidays."""
        terms, holidays = ([SpanDocument.of(span) for span in spans] for spans in (calendar.terms, calendar.holidays))
        return cls(terms=terms, holidays=holidays, version=version)


class LessonOfDayDocument(BaseModel):
    """A lesson of a day with the state of its register."""

    lesson_id: str = Field(examples=["f3a9"])
    group_id: str = Field(examples=["7b"])
    group_name: str = Field(examples=["Class 7b"])
    starts_at: datetime = Field(description="UTC.", examples=["2026-09-01T06:15:00Z"])
    ends_at: datetime = Field(description="UTC.", examples=["2026-09-01T07:00:00Z"])
    subject: str
    room: str
    teacher: str
    state: LessonState = Field(
        description="`planned`: not over, register not taken. `open`: taken, and can be changed. `closed`: finished. "
        "`not_taken`: over, and the register is not taken."
    )
    is_now: bool = Field(description="Whether a photo sent without a session joins this lesson's register.")
    session_id: str = Field(description="Of its register, whether or not that is open.", examples=["lesson-4f9c"])
    is_open: bool = Field(description="Whether its session exists.")

    @classmethod
    def of(cls, found: LessonOfDay) -> Self:
        """Describe a lesson of a day."""
        lesson = found.occurrence.lesson
        return cls(
            lesson_id=lesson.id,
            group_id=lesson.group_id,
            group_name=found.group.name,
            starts_at=found.occurrence.starts_at,
            ends_at=found.occurrence.ends_at,
            subject=lesson.subject,
            room=lesson.room,
            teacher=lesson.teacher,
            state=found.state,
            is_now=found.is_now,
            session_id=found.occurrence.session_id,
            is_open=found.roll_call is not None,
        )


class DayDocument(BaseModel):
    """The lessons of a day, ordered by start."""

    day: date = Field(examples=["2026-09-01"])
    lessons: list[LessonOfDayDocument]
    next_cursor: str | None = Field(default=None, description="Send it as `cursor` for the next page; null at the end.")


class GroupName(BaseModel):
    """A group by id and name."""

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["Class 7b"])


class NotTakenDocument(BaseModel):
    """Registers that are not taken by a time of day."""

    day: date = Field(examples=["2026-09-01"])
    by: datetime = Field(description="UTC.", examples=["2026-09-01T07:30:00Z"])
    due: int = Field(description="Registers due by then, taken or not, on all pages.", examples=[24])
    lessons: list[LessonOfDayDocument] = Field(description="Lessons that started by then and are not taken.")
    groups: list[GroupName] = Field(description="Groups without a timetable, in which no roll call was taken that day.")

    next_cursor: str | None = Field(default=None, description="Send it as `cursor` for the next page; null at the end.")

    @classmethod
    def of(cls, found: MissingRegisters, next_cursor: str | None = None) -> Self:
        """Describe missing registers."""
        return cls(
            day=found.day,
            by=found.by,
            due=found.due,
            lessons=[LessonOfDayDocument.of(lesson) for lesson in found.lessons],
            groups=[GroupName(group_id=group.id, name=group.name) for group in found.groups],
            next_cursor=next_cursor,
        )


class FindingDocument(BaseModel):
    """Something to know about a row of an imported file."""

    row: int = Field(description="Row of a table, or number of an event.", examples=[3])
    code: str = Field(examples=["weekday_unknown"])
    detail: str
    severity: str = Field(description="`error` or `warning`.", examples=["error"])
    column: str | None
    value: str | None


class ChangedLesson(BaseModel):
    """A lesson before and after an import."""

    before: LessonDocument
    after: LessonDocument


class ImportedGroup(BaseModel):
    """The changes to the lessons of one group."""

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["Class 7b"])
    added: list[LessonDocument]
    changed: list[ChangedLesson]
    removed: list[LessonDocument]
    unchanged: int = Field(examples=[24])


class ImportedLessonsDocument(BaseModel):
    """The plan or the result of an import of lessons."""

    kind: str = Field(description="`table` or `icalendar`.", examples=["table"])
    executed: bool = Field(description="Whether the changes were made.")
    columns: dict[str, str] = Field(description="Titles of the columns that are read, by what they give.")
    groups: list[ImportedGroup]
    findings: list[FindingDocument] = Field(description="At most 200. An error keeps the file from being applied.")

    @classmethod
    def of(cls, plan: "ImportPlan") -> Self:
        """Describe an import."""
        return cls(
            kind=plan.kind,
            executed=plan.executed,
            columns=plan.columns,
            groups=[
                ImportedGroup(
                    group_id=part.group.id,
                    name=part.group.name,
                    added=[LessonDocument.of(lesson) for lesson in part.added],
                    changed=[
                        ChangedLesson(before=LessonDocument.of(before), after=LessonDocument.of(after))
                        for before, after in part.changed
                    ],
                    removed=[LessonDocument.of(lesson) for lesson in part.removed],
                    unchanged=part.unchanged,
                )
                for part in plan.groups
            ],
            findings=[
                FindingDocument(
                    row=finding.row,
                    code=finding.code,
                    detail=finding.detail,
                    severity=finding.severity.value,
                    column=finding.column,
                    value=finding.value,
                )
                for finding in plan.findings
            ],
        )


class LessonToOpen(BaseModel):
    """The day of the lesson whose register is opened."""

    model_config = ConfigDict(extra="forbid")

    day: date | None = Field(default=None, description="By default today.", examples=["2026-09-01"])


def clock_time(text: str) -> time:
    """Read a time such as `8:15`, which matches the pattern of `ClockTime`."""
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))
