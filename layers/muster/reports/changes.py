"""The changes of several registers, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from muster.domain.attendance import Change, FaceChange, MarkChange, MarkDetails, MarkStatus, PhotoChange, Session
from muster.domain.faces import Decision
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.period import Period
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.listings import listing_setting, listing_stem, scope_name
from muster.reports.table import STUDENT, Column, ColumnKind, ReportTable, Value


@dataclass(frozen=True, slots=True)
class SessionChange:
    """A change with its session; `number` counts the session's changes, from 0."""

    session: Session
    number: int
    change: Change


@dataclass(frozen=True, slots=True)
class ChangeList:
    """Changes in the registers of a period.

    Attributes:
        names: of the students that the changes concern.
        period: days of the registers.
        group_id, student_id: what the list is limited to; None means no limit.
    """

    changes: tuple[SessionChange, ...]
    names: Mapping[StudentId, str]
    period: Period
    zone: ZoneInfo
    group_id: GroupId | None = None
    student_id: StudentId | None = None

    @property
    def users(self) -> set[UserId]:
        """The users who made the changes."""
        return {each.change.by for each in self.changes}


COLUMNS = (
    Column("date", ColumnKind.DAY),
    Column("time", ColumnKind.TEXT),
    Column("group_id", ColumnKind.ID),
    Column("session_id", ColumnKind.ID),
    Column("changed_at", ColumnKind.TEXT),
    Column("changed_by", ColumnKind.TEXT),
    *STUDENT,
    Column("subject_of_change", ColumnKind.STATUS),
    Column("before", ColumnKind.TEXT),
    Column("after", ColumnKind.TEXT),
    Column("reason", ColumnKind.TEXT),
)


def changes_listing(found: ChangeList, users: Mapping[UserId, str], language: Language = ENGLISH) -> Listing:
    """Return a table with one row per change.

    Args:
        users: names of users; those without one are shown by their id.
    """
    limits = [found.student_id, found.group_id]
    whose = ", ".join(str(limit) for limit in limits if limit is not None)
    return Listing(
        stem=listing_stem("changes", whose or scope_name(None), found.period),
        title=language.text("changes.title", whose=whose or language.text("all_groups")),
        setting=listing_setting(found.period, found.zone, language),
        tables=(ReportTable("Changes", COLUMNS, tuple(_row(found, each, users, language) for each in found.changes)),),
        language=language,
    )


def _row(found: ChangeList, each: SessionChange, users: Mapping[UserId, str], language: Language) -> tuple[Value, ...]:
    change = each.change
    started_at = each.session.started_at.astimezone(found.zone)
    student_id = _student(change)
    kind, before, after = _said(change, language)
    return (
        started_at.date(),
        language.time(started_at),
        each.session.group_id,
        each.session.id,
        language.date_time(change.at.astimezone(found.zone)),
        users.get(change.by, change.by),
        student_id,
        None if student_id is None else found.names.get(student_id),
        language.text(f"change.{kind}"),
        before,
        after,
        "" if isinstance(change, FaceChange | PhotoChange) else change.reason,
    )


def _student(change: Change) -> StudentId | None:
    """Return the student that a change concerns; a face that was named again concerns the new student."""
    if isinstance(change, MarkChange):
        return change.student_id
    if isinstance(change, FaceChange):
        return change.after[1] or change.before[1]
    return None


def _said(change: Change, language: Language) -> tuple[str, str | None, str | None]:
    """Return what was changed, and what it was before and after."""
    if isinstance(change, MarkChange):
        return (
            "mark",
            _mark(change.before, change.details_before, language),
            _mark(change.after, change.details_after, language),
        )
    if isinstance(change, FaceChange):
        return "face", _face(*change.before, language), _face(*change.after, language)
    if isinstance(change, PhotoChange):
        return "photo", None, language.text("change.removed")
    return "register", None, language.text("change.closed" if change.closed else "change.reopened")


def _mark(status: MarkStatus | None, details: MarkDetails, language: Language) -> str | None:
    if status is None:
        return None
    word = language.status(status)
    code = word if details.code is None else f"{word} ({details.code})"
    minutes = "" if details.minutes_late is None else language.text("minutes_late", count=details.minutes_late)
    remark = f": {details.remark}" if details.remark else ""
    return f"{code}{minutes}{remark}"


def _face(decision: Decision, student_id: StudentId | None, language: Language) -> str:
    word = language.text(f"change.decision.{decision.value}")
    return word if student_id is None else f"{student_id} ({word})"
