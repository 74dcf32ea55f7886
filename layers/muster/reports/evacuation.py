"""The evacuation list: everyone in the building by today's registers, as a page with boxes to tick."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from muster.domain.guests import Guest
from muster.domain.identifiers import GroupId
from muster.reports.day import DayReport, DayStudent, Register
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.listings import day_remarks
from muster.reports.page import page, table_of
from muster.reports.table import STUDENT, Column, ColumnKind, ReportTable

_BOX = '<span class="box"></span>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """The students of one group who are in the building.

    Attributes:
        register: the group's last register that was taken.
        students: by name; in the building by that register, and in no later register of another group.
        guests: of that register, by name; without students who are in a later register of their own.
    """

    group_id: GroupId
    name: str
    register: Register
    students: tuple[DayStudent, ...]
    guests: tuple[Guest, ...] = ()


def gatherings(found: DayReport) -> tuple[Gathering, ...]:
    """Return the students in the building, by the group of their last register, ordered by the groups' names."""
    by_group: dict[GroupId, list[tuple[Register, DayStudent]]] = {}
    for student in found.students:
        if student.in_building and student.last is not None:
            by_group.setdefault(student.last[0].group_id, []).append((student.last[0], student))
    last = {register.group_id: register for register in found.registers if register.taken or _guests(found, register)}
    gathered = [
        Gathering(
            group_id=group_id,
            name=found.groups.get(group_id, group_id),
            register=max((register for register, _ in entries), key=lambda register: register.started_at),
            students=tuple(student for _, student in entries),
            guests=_guests(found, last.get(group_id)),
        )
        for group_id, entries in by_group.items()
    ]
    gathered += [
        Gathering(
            group_id=group_id,
            name=found.groups.get(group_id, group_id),
            register=register,
            students=(),
            guests=_guests(found, register),
        )
        for group_id, register in last.items()
        if group_id not in by_group and _guests(found, register)
    ]
    return tuple(sorted(gathered, key=lambda gathering: (gathering.name.casefold(), gathering.group_id)))


def not_known(found: DayReport) -> tuple[DayStudent, ...]:
    """Return the students that no register accounts for, neither as students nor as guests."""
    visiting = {guest.student_id for gathering in gatherings(found) for guest in gathering.guests}
    return tuple(student for student in found.students if student.not_known and student.id not in visiting)


def _guests(found: DayReport, register: Register | None) -> tuple[Guest, ...]:
    if register is None:
        return ()
    seen = {student.id: student.last[0].started_at for student in found.students if student.last is not None}
    here = [
        guest
        for guest in found.guests.get(register.session_id, ())
        if guest.student_id is None or seen.get(guest.student_id, register.started_at) <= register.started_at
    ]
    return tuple(sorted(here, key=lambda guest: (guest.name.casefold(), guest.id)))


def evacuation_page(found: DayReport, language: Language = ENGLISH) -> str:
    """Return the page: portrait, without scripts, one table per group with a box beside each name."""
    inside = gatherings(found)
    total = sum(len(gathering.students) + len(gathering.guests) for gathering in inside)
    unknown = not_known(found)
    day, time = language.long_date(found.day), language.time(found.at)
    setting = language.text("evacuation.setting", day=day, time=time, zone=found.zone.key)
    summary = language.text("evacuation.summary", inside=total, unknown=len(unknown))
    title = language.text("evacuation.title")
    body = f'<p class="summary">{summary}</p>{"".join(_body(found, inside, unknown, language))}'
    return page(title, title, setting, body, portrait=True, language=language)


def _body(
    found: DayReport, inside: Iterable[Gathering], unknown: tuple[DayStudent, ...], language: Language
) -> Iterator[str]:
    for text in day_remarks(found, language):
        yield f"<p>{escape(text)}</p>"
    for gathering in inside:
        time = language.time(gathering.register.started_at)
        number, name = len(gathering.students), escape(gathering.name)
        yield f"<h2>{language.text('evacuation.group', group=name, number=number, time=time)}</h2>"
        yield _ticks(((student, _seen_at(student, language)) for student in gathering.students), language)
        if gathering.guests:
            yield f"<h3>{language.text('evacuation.guests', number=len(gathering.guests))}</h3>"
            note = language.text("evacuation.a_guest")
            rows = ((_BOX, f"<bdi>{escape(guest.name)}</bdi>", note) for guest in gathering.guests)
            yield table_of(
                _heads("evacuation.safe", "evacuation.guest", "evacuation.note", language=language), rows, "ticks"
            )
    if unknown:
        yield f"<h2>{language.text('evacuation.unknown', number=len(unknown))}</h2>"
        yield f"<p>{language.text('evacuation.unknown_text')}</p>"
        groups = ((student, ", ".join(found.groups[group] for group in student.groups)) for student in unknown)
        yield _ticks(groups, language)
    visiting = {guest.student_id for gathering in inside for guest in gathering.guests}
    away = [s for s in found.students if not s.in_building and not s.not_known and s.id not in visiting]
    if away:
        yield f"<h2>{language.text('evacuation.away', number=len(away))}</h2>"
        names = (f"<bdi>{escape(student.name)}</bdi> ({escape(_seen_at(student, language))})" for student in away)
        yield f"<p>{', '.join(names)}</p>"


def _heads(*keys: str, language: Language) -> list[str]:
    return [language.text(key) for key in keys]


def _ticks(students: Iterable[tuple[DayStudent, str]], language: Language) -> str:
    rows = (
        (_BOX, f"<bdi>{escape(student.name)}</bdi> <small>{student.id}</small>", escape(note))
        for student, note in students
    )
    return table_of(_heads("evacuation.safe", "head.student", "evacuation.note", language=language), rows, "ticks")


def _seen_at(student: DayStudent, language: Language = ENGLISH) -> str:
    if student.last is None:
        return ""
    register, status = student.last
    mark = student.code or language.status(status)
    if student.planned:
        mark = language.text("evacuation.by_plan", mark=mark)
    return f"{mark} {language.time(register.started_at)}"


def evacuation_listing(found: DayReport) -> Listing:
    """Return the same as tables, for spreadsheets: students in the building, then those who are not known."""
    columns = (*STUDENT, Column("group", ColumnKind.TEXT), Column("last_register", ColumnKind.TEXT))
    rows = tuple(
        (student.id, student.name, gathering.name, _seen_at(student), "in the building")
        for gathering in gatherings(found)
        for student in gathering.students
    )
    guests = tuple(
        (None, guest.name, gathering.name, f"guest {gathering.register.started_at:%H:%M}", "in the building")
        for gathering in gatherings(found)
        for guest in gathering.guests
    )
    unknown = tuple(
        (student.id, student.name, ", ".join(found.groups[group] for group in student.groups), None, "not known")
        for student in not_known(found)
    )
    table = ReportTable("Evacuation", (*columns, Column("state", ColumnKind.STATUS)), rows + guests + unknown)
    return Listing(
        stem=f"evacuation-{found.day}",
        title="Evacuation list",
        setting=f"Made at {found.at:%Y-%m-%d %H:%M}. Times are in {found.zone.key}.",
        tables=(table,),
        remarks=tuple(day_remarks(found)),
    )
