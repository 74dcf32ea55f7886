"""`muster lessons`: the timetable, and registers that are not taken."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit, stdout
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import parse_group_id
from muster.domain.period import parse_day

if TYPE_CHECKING:
    from muster.services.timetable.timetables import LessonOfDay
    from muster.services.timetable_import.planning import ImportPlan

app = typer.Typer(help="The timetable: lessons of groups, and registers that are not taken.", no_args_is_help=True)

DayOption = Annotated[str | None, typer.Option(help="A day, such as 2026-09-01; default: today.")]

_MAX_LINES = 20
_STATES = {"planned": "planned", "open": "open", "closed": "[green]closed[/]", "not_taken": "[yellow]not taken[/]"}


@app.command("list")
def list_lessons(
    group: Annotated[
        str | None, typer.Option(help="The weekly lessons of this group; default: those of a day.")
    ] = None,
    day: DayOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the lessons of a day with the state of their registers, or the weekly lessons of a group."""
    from muster.api.schemas.timetable import DayDocument, LessonOfDayDocument, LessonsDocument

    timetables = open_records(data).timetables
    if group is not None:
        found = timetables.lessons(parse_group_id(group))
        weekly = LessonsDocument.of(found).model_dump(mode="json")
        emit(weekly, as_json, lambda console: _show_week(console, weekly["lessons"]))
        return
    wanted = parse_day(day) or timetables.today()
    lessons = timetables.of_day(wanted)
    document = DayDocument(day=wanted, lessons=[LessonOfDayDocument.of(lesson) for lesson in lessons])
    empty = f"There are no lessons on {wanted.isoformat()}."
    emit(
        document.model_dump(mode="json"),
        as_json,
        lambda console: console.print(_day_table(lessons, timetables.zone) if lessons else empty),
    )


@app.command("import")
def import_lessons(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV, XLSX or iCalendar (.ics) file.")
    ],
    group: Annotated[str | None, typer.Option(help="The group of rows that name none; a calendar needs it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes without writing them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace the lessons of the groups that a file names. docs/timetable.md describes the accepted files.

    The command shows a preview, and at a terminal asks for confirmation. If a row has an error, nothing is written and
    the exit status is 1.
    """
    from muster.api.schemas.timetable import ImportedLessonsDocument
    from muster.services.timetable_import.planning import TimetableImport

    use_case = TimetableImport(open_records(data).timetables)
    plan = use_case.run(file.read_bytes(), None if group is None else parse_group_id(group), dry_run=True)
    if not as_json:
        _show_plan(stdout, plan)
    if not dry_run and not plan.has_errors:
        if not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm("Apply these changes?", abort=True, err=True)
        plan = use_case.apply(plan)
    written = plan.executed and any(part.has_changes for part in plan.groups)
    done = "The lessons are changed." if written else "Nothing was written."
    emit(ImportedLessonsDocument.of(plan).model_dump(mode="json"), as_json, lambda console: console.print(done))
    if plan.has_errors:
        raise typer.Exit(1)


@app.command("not-taken")
def not_taken(
    by: Annotated[str, typer.Option(help="Local time of the school, such as 9:30.")],
    day: DayOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the registers that are not taken, of lessons that started by a time of day."""
    from muster.api.schemas.timetable import NotTakenDocument, clock_time

    timetables = open_records(data).timetables
    try:
        moment = clock_time(by)
    except ValueError as error:
        raise InvalidRequest(f"The time {by[:20]!r} is not valid: write it like 9:30.") from error
    found = timetables.missing(parse_day(day) or timetables.today(), moment)

    def show(console: Console) -> None:
        missing = len(found.lessons) + len(found.groups)
        local = found.by.astimezone(timetables.zone)
        console.print(f"{missing} of {found.due} registers are not taken by {local:%H:%M} on {found.day}.")
        if found.lessons:
            console.print(_day_table(found.lessons, timetables.zone))
        for group in found.groups:
            console.print(f"{escape(group.name)}: no timetable, and no roll call.")

    emit(NotTakenDocument.of(found).model_dump(mode="json"), as_json, show)


def _show_plan(console: Console, plan: "ImportPlan") -> None:
    from muster.services.timetable.validation import describe

    for finding in plan.findings:
        label = "[red]error[/]" if finding.error else "[yellow]check[/]"
        console.print(f"{finding.row}: {label} {escape(finding.detail)}")
    for part in plan.groups:
        counts = f"{len(part.added)} added, {len(part.changed)} changed, {len(part.removed)} removed"
        console.print(f"{escape(part.group.name)}: {counts}, {part.unchanged} unchanged")
        lines = [f"+ {describe(lesson)}" for lesson in part.added]
        lines += [f"~ {describe(before)} -> {describe(after)}" for before, after in part.changed]
        lines += [f"- {describe(lesson)}" for lesson in part.removed]
        for line in lines[:_MAX_LINES]:
            console.print(f"  {escape(line)}", highlight=False)
        if len(lines) > _MAX_LINES:
            console.print(f"  and {len(lines) - _MAX_LINES} more")


def _day_table(lessons: "list[LessonOfDay] | tuple[LessonOfDay, ...]", zone: ZoneInfo) -> Table:
    table = Table("time", "group", "subject", "room", "teacher", "register")
    for each in lessons:
        lesson = each.occurrence.lesson
        time = f"{_local(each.occurrence.starts_at, zone)}-{_local(each.occurrence.ends_at, zone)}"
        cells = (each.group.name, lesson.subject, lesson.room, lesson.teacher)
        table.add_row(time, *map(escape, cells), _STATES[each.state.value])
    return table


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def _show_week(console: Console, lessons: list[dict[str, Any]]) -> None:
    from muster.services.timetable.validation import WEEKDAYS

    if not lessons:
        console.print("The group has no lessons yet.")
        return
    table = Table("day", "time", "subject", "room", "teacher", "from", "until")
    for lesson in lessons:
        weeks = lesson["every_weeks"]
        weekday = WEEKDAYS[lesson["weekday"] - 1] + (f", every {weeks} weeks" if weeks > 1 else "")
        days = (lesson["first_day"] or "", lesson["last_day"] or "")
        cells = map(escape, (lesson["subject"], lesson["room"], lesson["teacher"]))
        table.add_row(weekday, f"{lesson['starts']}-{lesson['ends']}", *cells, *days)
    console.print(table)
