"""`muster reports`: breakdowns, absences, days, evacuation lists and blank sheets, at the terminal and as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli import exports
from muster.cli.attendance import (
    FileFormat,
    LanguageOption,
    SinceOption,
    UntilOption,
    ZoneOption,
    format_of,
    page_language,
    write_file,
)
from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.identifiers import GroupId, parse_group_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.breakdown import Dimension, break_down
from muster.reports.csv_file import Delimiter
from muster.reports.evacuation import evacuation_listing, evacuation_page
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.listings import breakdown_listing, day_listing, low_listing, missing_listing, scope_name
from muster.reports.table import ColumnKind, ReportTable, Value
from muster.reports.wording import percent

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer(help="Breakdowns, absences, days, evacuation lists and blank sheets.", no_args_is_help=True)

GroupOption = Annotated[str | None, typer.Option("--group", help="One group; default: all groups.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(help="Write a file instead: CSV, XLSX or a printable HTML page, by the name's extension."),
]
DelimiterOption = Annotated[
    Delimiter, typer.Option(help="For CSV. German and French Excel expect semicolon; default: comma.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]


@app.command()
def breakdown(
    by: Annotated[Dimension, typer.Option(help="What to compare; a period is the start of a lesson.")],
    group: Annotated[str | None, typer.Option("--group", help="Students who are, or were, in this group.")] = None,
    student: Annotated[str | None, typer.Option("--student", help="One student, across their groups.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: OutputOption = None,
    delimiter: DelimiterOption = Delimiter.COMMA,
    force: ForceOption = False,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show attendance by subject, teacher, weekday or period of the day."""
    from muster.api.schemas.overviews import BreakdownDocument

    if (group is None) == (student is None):
        raise typer.BadParameter("give exactly one of --group and --student")
    period = Period(parse_day(since), parse_day(until))
    reports = open_records(data, time_zone).reports
    if group is not None:
        report = reports.of_group(parse_group_id(group), period)
    else:
        report = reports.of_student(parse_student_id(student or ""), period)
    found = break_down(report, by)
    _finish(
        partial(breakdown_listing, found),
        lambda: BreakdownDocument.of(found),
        _Output(path=output, delimiter=delimiter, force=force, as_json=as_json, tag=language),
    )


@app.command()
def absences(
    days: Annotated[int | None, typer.Option(help="Days missed in a row, at least; default: 3.")] = None,
    sessions: Annotated[int | None, typer.Option(help="Sessions missed in a row, at least, instead of days.")] = None,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: OutputOption = None,
    delimiter: DelimiterOption = Delimiter.COMMA,
    force: ForceOption = False,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List students who missed several days or sessions in a row, up to the last one; by default of 60 days."""
    from muster.api.schemas.overviews import AttendancesDocument

    if days is not None and sessions is not None:
        raise typer.BadParameter("give only one of --days and --sessions")
    overviews = open_records(data, time_zone).overviews
    period = Period(parse_day(since) or overviews.recent().since, parse_day(until))
    at_least = sessions if sessions is not None else 3 if days is None else days
    found = overviews.missing(at_least, period, days=sessions is None, group_id=_group(group))
    unit = "days" if sessions is None else "sessions"
    listing = partial(missing_listing, found, at_least, unit, scope_name(_group(group)), period, overviews.zone)
    _finish(
        listing,
        lambda: AttendancesDocument.of(found, period),
        _Output(path=output, delimiter=delimiter, force=force, as_json=as_json, tag=language),
    )


@app.command()
def low(
    below: Annotated[float, typer.Option(help="Threshold in percent.")] = 90,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: OutputOption = None,
    delimiter: DelimiterOption = Delimiter.COMMA,
    force: ForceOption = False,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List students whose attendance rate is below a threshold, the lowest first."""
    from muster.api.schemas.overviews import AttendancesDocument

    overviews = open_records(data, time_zone).overviews
    period = Period(parse_day(since), parse_day(until))
    found = overviews.low(below, period, group_id=_group(group))
    listing = partial(low_listing, found, below, scope_name(_group(group)), period, overviews.zone)
    _finish(
        listing,
        lambda: AttendancesDocument.of(found, period),
        _Output(path=output, delimiter=delimiter, force=force, as_json=as_json, tag=language),
    )


@app.command()
def day(
    day: Annotated[str | None, typer.Option(help="A day, such as 2026-09-01; default: today.")] = None,
    group: GroupOption = None,
    output: OutputOption = None,
    delimiter: DelimiterOption = Delimiter.COMMA,
    force: ForceOption = False,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who is absent on a day, who may be present, and which registers are not taken."""
    from muster.api.schemas.overviews import DayDocument

    found = open_records(data, time_zone).overviews.of_day(parse_day(day), group_id=_group(group))
    _finish(
        partial(day_listing, found),
        lambda: DayDocument.of(found),
        _Output(path=output, delimiter=delimiter, force=force, as_json=as_json, tag=language),
    )


@app.command()
def evacuation(
    group: GroupOption = None,
    output: OutputOption = None,
    delimiter: DelimiterOption = Delimiter.COMMA,
    force: ForceOption = False,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List everyone in the building by today's registers; as HTML, with boxes to tick."""
    from muster.api.schemas.overviews import EvacuationDocument

    found = open_records(data, time_zone).overviews.of_day(group_id=_group(group))
    listing, page = (lambda _: evacuation_listing(found)), partial(evacuation_page, found)
    _finish(
        listing,
        lambda: EvacuationDocument.of(found),
        _Output(path=output, delimiter=delimiter, force=force, as_json=as_json, tag=language),
        page,
    )


@app.command()
def sheet(
    output: Annotated[Path, typer.Option(help="The file to write: HTML to print, CSV or XLSX.")],
    group: Annotated[str, typer.Option("--group", help="The group whose roster is printed.")],
    day: Annotated[str | None, typer.Option(help="Columns are the lessons of this day; default: today.")] = None,
    columns: Annotated[int | None, typer.Option(help="Number of empty columns instead of lessons.")] = None,
    delimiter: DelimiterOption = Delimiter.COMMA,
    force: ForceOption = False,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a blank register to print: the roster, with empty columns."""
    from muster.api.schemas.overviews import BlankSheetDocument

    found = open_records(data, time_zone).overviews.blank_sheet(parse_group_id(group), parse_day(day), columns)
    _finish(
        lambda _: found.listing(),
        lambda: BlankSheetDocument.of(found),
        _Output(path=output, delimiter=delimiter, force=force, as_json=as_json, tag=language),
        found.html,
    )


app.command("moodle")(exports.moodle)
app.command("mapped")(exports.mapped)


def _group(text: str | None) -> GroupId | None:
    return None if text is None else parse_group_id(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output:
    """Where a report goes: a file, or the terminal if `path` is None; `tag` is the language of a page."""

    path: Path | None
    delimiter: Delimiter
    force: bool
    as_json: bool
    tag: str | None


def _finish(
    listing_in: Callable[[Language], Listing],
    document: Callable[[], BaseModel],
    to: _Output,
    page: Callable[[Language], str] | None = None,
) -> None:
    """Write the file, or print the report."""
    output, listing, language = to.path, listing_in(ENGLISH), page_language(to.tag, to.path)
    if output is None:
        shown = document().model_dump(mode="json") if to.as_json else None
        emit(shown, to.as_json, lambda console: _show(console, listing))
        return
    chosen = format_of(output)
    match chosen:
        case FileFormat.CSV:
            content = listing.csv(to.delimiter)
        case FileFormat.XLSX:
            content = listing.xlsx()
        case FileFormat.HTML:
            content = (listing_in(language).html() if page is None else page(language)).encode()
    write_file(output, content, force=to.force)
    emit(
        {"output": str(output), "format": chosen},
        to.as_json,
        lambda console: console.print(f"Written: {output}", soft_wrap=True, highlight=False, markup=False),
    )


def _show(console: Console, listing: Listing) -> None:
    console.print(f"[bold]{escape(listing.title)}[/]. {escape(listing.setting)}", highlight=False)
    for table in listing.tables:
        if len(listing.tables) > 1:
            console.print(f"\n[bold]{escape(table.name)}[/]" + ("" if table.rows else ": none"), highlight=False)
        if table.rows:
            console.print(_table(table))
        elif len(listing.tables) == 1:
            console.print("None.")
    for text in listing.remarks:
        console.print(escape(text), highlight=False)


def _table(shown: ReportTable) -> Table:
    table = Table()
    for column in shown.columns:
        right = column.kind in (ColumnKind.COUNT, ColumnKind.RATE)
        table.add_column(escape(column.title.replace("_", " ")), justify="right" if right else "left")
    kinds = [column.kind for column in shown.columns]
    for row in shown.rows:
        table.add_row(*(_cell(value, kind) for value, kind in zip(row, kinds, strict=True)))
    return table


def _cell(value: Value, kind: ColumnKind) -> str:
    if kind is ColumnKind.RATE:
        return percent(None if value is None else float(str(value)))
    return "" if value is None else escape(str(value))
