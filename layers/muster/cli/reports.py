"""`muster reports`: breakdowns, absences, days, evacuation lists and blank sheets, at the terminal and as files."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from muster.cli import exports
from muster.cli.attendance import SinceOption, UntilOption
from muster.cli.report_output import ReportOutput, with_output
from muster.domain.identifiers import GroupId, parse_group_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.breakdown import Dimension, break_down
from muster.reports.changes import changes_listing
from muster.reports.evacuation import evacuation_listing, evacuation_page
from muster.reports.listings import breakdown_listing, day_listing, low_listing, missing_listing, scope_name

app = typer.Typer(help="Breakdowns, absences, days, evacuation lists and blank sheets.", no_args_is_help=True)

GroupOption = Annotated[str | None, typer.Option("--group", help="One group; default: all groups.")]


@app.command()
@with_output
def breakdown(
    by: Annotated[Dimension, typer.Option(help="What to compare; a period is the start of a lesson.")],
    to: ReportOutput,
    group: Annotated[str | None, typer.Option("--group", help="Students who are, or were, in this group.")] = None,
    student: Annotated[str | None, typer.Option("--student", help="One student, across their groups.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """Show attendance by subject, teacher, weekday or period of the day."""
    from muster.api.schemas.overviews import BreakdownDocument

    if (group is None) == (student is None):
        raise typer.BadParameter("give exactly one of --group and --student")
    period = Period(parse_day(since), parse_day(until))
    reports = to.records().reports
    if group is not None:
        report = reports.of_group(parse_group_id(group), period)
    else:
        report = reports.of_student(parse_student_id(student or ""), period)
    found = break_down(report, by)
    to.finish(partial(breakdown_listing, found), lambda: BreakdownDocument.of(found))


@app.command()
@with_output
def absences(
    to: ReportOutput,
    days: Annotated[int | None, typer.Option(help="Days missed in a row, at least; default: 3.")] = None,
    sessions: Annotated[int | None, typer.Option(help="Sessions missed in a row, at least, instead of days.")] = None,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """List students who missed several days or sessions in a row, up to the last one; by default of 60 days."""
    from muster.api.schemas.overviews import AttendancesDocument

    if days is not None and sessions is not None:
        raise typer.BadParameter("give only one of --days and --sessions")
    overviews = to.records().overviews
    period = Period(parse_day(since) or overviews.recent().since, parse_day(until))
    at_least = sessions if sessions is not None else 3 if days is None else days
    found = overviews.missing(at_least, period, days=sessions is None, group_id=_group(group))
    unit = "days" if sessions is None else "sessions"
    listing = partial(missing_listing, found, at_least, unit, scope_name(_group(group)), period, overviews.zone)
    to.finish(listing, lambda: AttendancesDocument.of(found, period))


@app.command()
@with_output
def low(
    to: ReportOutput,
    below: Annotated[float, typer.Option(help="Threshold in percent.")] = 90,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """List students whose attendance rate is below a threshold, the lowest first."""
    from muster.api.schemas.overviews import AttendancesDocument

    overviews = to.records().overviews
    period = Period(parse_day(since), parse_day(until))
    found = overviews.low(below, period, group_id=_group(group))
    listing = partial(low_listing, found, below, scope_name(_group(group)), period, overviews.zone)
    to.finish(listing, lambda: AttendancesDocument.of(found, period))


@app.command()
@with_output
def changes(
    to: ReportOutput,
    group: GroupOption = None,
    student: Annotated[str | None, typer.Option("--student", help="Only changes that concern this student.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """List who changed what in the registers of a period, by the days of the registers; by default of 60 days."""
    from muster.api.schemas.changes import ChangesDocument
    from muster.services.reporting.changes import ChangeFilter

    records = to.records()
    wanted = ChangeFilter(
        period=Period(parse_day(since) or records.changes.recent().since, parse_day(until)),
        group_id=_group(group),
        student_id=None if student is None else parse_student_id(student),
    )
    found = records.changes.whole(wanted)
    users = records.people.names(found.users)
    to.finish(partial(changes_listing, found, users), lambda: ChangesDocument.of(found, users))


@app.command()
@with_output
def day(
    to: ReportOutput,
    day: Annotated[str | None, typer.Option(help="A day, such as 2026-09-01; default: today.")] = None,
    group: GroupOption = None,
) -> None:
    """Show who is absent on a day, who may be present, and which registers are not taken."""
    from muster.api.schemas.overviews import DayDocument

    found = to.records().overviews.of_day(parse_day(day), group_id=_group(group))
    to.finish(partial(day_listing, found), lambda: DayDocument.of(found))


@app.command()
@with_output
def evacuation(to: ReportOutput, group: GroupOption = None) -> None:
    """List everyone in the building by today's registers; as HTML, with boxes to tick."""
    from muster.api.schemas.overviews import EvacuationDocument

    found = to.records().overviews.of_day(group_id=_group(group))
    to.finish(
        lambda _: evacuation_listing(found), lambda: EvacuationDocument.of(found), partial(evacuation_page, found)
    )


@app.command()
@with_output
def sheet(
    output: Annotated[Path, typer.Option(help="The file to write: HTML to print, CSV or XLSX.")],
    group: Annotated[str, typer.Option("--group", help="The group whose roster is printed.")],
    to: ReportOutput,
    day: Annotated[str | None, typer.Option(help="Columns are the lessons of this day; default: today.")] = None,
    columns: Annotated[int | None, typer.Option(help="Number of empty columns instead of lessons.")] = None,
) -> None:
    """Write a blank register to print: the roster, with empty columns."""
    from muster.api.schemas.overviews import BlankSheetDocument

    found = to.records().overviews.blank_sheet(parse_group_id(group), parse_day(day), columns)
    to.finish(lambda _: found.listing(), lambda: BlankSheetDocument.of(found), found.html)


app.command("moodle")(exports.moodle)
app.command("mapped")(exports.mapped)


def _group(text: str | None) -> GroupId | None:
    return None if text is None else parse_group_id(text)
