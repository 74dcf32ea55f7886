"""`muster attendance`: attendance reports at the terminal and as files."""

import os
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from muster.cli.backend import open_records
from muster.cli.marks import STYLES, status_text
from muster.cli.naming import find_session
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.attendance import MarkStatus
from muster.domain.errors import OutputExists, OutputNotWritten
from muster.domain.identifiers import parse_group_id, parse_student_id
from muster.domain.period import Period, parse_day
from muster.reports.attendance import AttendanceReport, Scope, SessionLine, StudentLine, Tally
from muster.reports.csv_file import Delimiter, csv_file
from muster.reports.html_page import html_page
from muster.reports.language import Language
from muster.reports.languages import LANGUAGES, language_of
from muster.reports.languages.en import ENGLISH
from muster.reports.wording import (
    LETTERS,
    NOT_TAKEN,
    NOT_TAKEN_SYMBOL,
    WORDS,
    headline,
    percent,
    period_text,
    remarks,
)
from muster.reports.xlsx_file import xlsx_file

app = typer.Typer(help="Attendance reports of a group, a student or a session.", no_args_is_help=True)

GroupOption = Annotated[str | None, typer.Option("--group", help="Students who are, or were, in this group.")]
StudentOption = Annotated[str | None, typer.Option("--student", help="One student, across their groups.")]
SessionOption = Annotated[
    str | None, typer.Option("--session", help="One session: its id or the beginning of it, or `last`.")
]
SinceOption = Annotated[str | None, typer.Option(help="First day, such as 2026-09-01.")]
UntilOption = Annotated[str | None, typer.Option(help="Last day, included.")]
LanguageOption = Annotated[
    str | None, typer.Option(help="Language of an HTML page: en, de, hi or ar, also with a region; default: en.")
]
ZoneOption = Annotated[
    str | None,
    typer.Option(help="Time zone of the school, such as Europe/Berlin; default: MUSTER_TIME_ZONE, or the machine's."),
]

_LAST = 12


class FileFormat(StrEnum):
    """File formats of an exported report."""

    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


@app.command()
def report(
    group: GroupOption = None,
    student: StudentOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show attendance over a period."""
    from muster.api.schemas.reports import ReportDocument

    found = _report(group, student, session, since=since, until=until, time_zone=time_zone, data=data)
    document = ReportDocument.of(found).model_dump(mode="json") if as_json else None
    emit(document, as_json, lambda console: _show(console, found))


@app.command()
def export(
    output: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[FileFormat | None, typer.Option(help="Default: from the file's extension.")] = None,
    group: GroupOption = None,
    student: StudentOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    language: LanguageOption = None,
    time_zone: ZoneOption = None,
    delimiter: Annotated[
        Delimiter | None, typer.Option(help="For CSV. German and French Excel expect semicolon; default: comma.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write attendance over a period to a file: CSV, XLSX, or a printable HTML page."""
    chosen = format or format_of(output)
    if delimiter is not None and chosen is not FileFormat.CSV:
        raise typer.BadParameter(f"--delimiter applies to CSV only, and this file is {chosen}")
    found = _report(group, student, session, since=since, until=until, time_zone=time_zone, data=data)
    match chosen:
        case FileFormat.CSV:
            content = csv_file(found, delimiter or Delimiter.COMMA)
        case FileFormat.XLSX:
            content = xlsx_file(found)
        case FileFormat.HTML:
            content = html_page(found, page_language(language, output, chosen)).encode()
    write_file(output, content, force=force)
    document = {
        "output": str(output),
        "format": chosen,
        "students": len(found.students),
        "sessions": len(found.sessions),
    }
    emit(
        document,
        as_json,
        lambda console: console.print(f"Written: {output}", soft_wrap=True, highlight=False, markup=False),
    )


def _report(
    group: str | None,
    student: str | None,
    session: str | None,
    *,
    since: str | None,
    until: str | None,
    time_zone: str | None,
    data: Path | None,
) -> AttendanceReport:
    if (group, student, session).count(None) != 2:
        raise typer.BadParameter("give exactly one of --group, --student and --session")
    period = Period(parse_day(since), parse_day(until))
    if session is not None and period != Period():
        raise typer.BadParameter("--since and --until do not apply to a session")
    records = open_records(data, time_zone)
    reports = records.reports
    if group is not None:
        return reports.of_group(parse_group_id(group), period)
    if student is not None:
        return reports.of_student(parse_student_id(student), period)
    return reports.of_session(find_session(records, session or ""))


def page_language(tag: str | None, output: Path | None, form: FileFormat | None = None) -> Language:
    """Return the language of a page to write; English by default."""
    if tag is None:
        return ENGLISH
    if output is None or (form or format_of(output)) is not FileFormat.HTML:
        raise typer.BadParameter("--language applies to HTML pages only; files for programs are the same everywhere")
    language = language_of(tag)
    if language is None:
        raise typer.BadParameter(f"there are no pages in {tag!r}: use {', '.join(LANGUAGES)}")
    return language


def format_of(output: Path) -> FileFormat:
    """Return the format that a file's extension names."""
    try:
        return FileFormat(output.suffix.lower().lstrip("."))
    except ValueError:
        raise typer.BadParameter(
            f"the extension of {output.name} is not a format: give --format {', '.join(FileFormat)}"
        ) from None


def write_file(output: Path, content: bytes, *, force: bool) -> None:
    """Write a file atomically, readable by its owner only, since it holds names."""
    if output.exists() and not force:
        raise OutputExists(f"{output} exists already: choose another name, or add --force to overwrite it.")
    try:
        with NamedTemporaryFile(dir=output.parent, prefix=f".{output.name[:40]}.", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(output)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
    except OSError as error:
        raise OutputNotWritten(f"{output} cannot be written ({error.strerror}): choose another place.") from error


def _show(console: Console, found: AttendanceReport) -> None:
    period = "" if found.scope is Scope.SESSION else f", {period_text(found)}"
    console.print(f"[bold]{escape(headline(found))}[/]{period} ({found.zone.key})", highlight=False)
    if not found.sessions:
        console.print("There are no sessions in this period.")
        return
    console.print(_table(found))
    for text in remarks(found):
        console.print(text, highlight=False)


def _table(found: AttendanceReport) -> Table:
    if found.scope is Scope.STUDENT:
        return _sessions(found, found.students[0])
    if found.scope is Scope.SESSION:
        return _students(found)
    letters = ", ".join(f"{letter} {WORDS[status]}" for status, letter in LETTERS.items())
    letters += f", {NOT_TAKEN_SYMBOL} {NOT_TAKEN}"
    table = Table("id", "student", caption=f"{letters}; longest, now: sessions missed in a row.")
    for title in (*LETTERS.values(), "rate", "longest", "now"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column(f"last {_LAST}" if len(found.sessions) > _LAST else "marks", no_wrap=True)
    for student in found.students:
        table.add_row(
            student.id,
            escape(student.name),
            *_figures(student.tally),
            str(student.longest_absence),
            str(student.current_absence),
            _strip(found.sessions[-_LAST:], student.marks[-_LAST:]),
        )
    table.add_section()
    table.add_row("", "all", *_figures(found.tally))
    return table


def _students(found: AttendanceReport) -> Table:
    table = Table("id", "student", "mark")
    (session,) = found.sessions
    for student in found.students:
        table.add_row(student.id, escape(student.name), _word(session, student.marks[0]))
    table.add_section()
    table.add_row("", "rate", percent(found.tally.rate))
    return table


def _sessions(found: AttendanceReport, student: StudentLine) -> Table:
    table = Table("day", "time", "group", "mark")
    for line, status in zip(found.sessions, student.marks, strict=True):
        table.add_row(f"{line.started_at:%a %Y-%m-%d}", f"{line.started_at:%H:%M}", line.group_id, _word(line, status))
    table.add_section()
    table.add_row("rate", "", "", percent(student.tally.rate))
    return table


def _word(session: SessionLine, status: MarkStatus | None) -> str:
    if status is not None:
        return status_text(status)
    return "" if session.taken else f"[dim]{NOT_TAKEN}[/]"


def _figures(tally: Tally) -> tuple[str, ...]:
    return (*(str(getattr(tally, status.value)) for status in LETTERS), percent(tally.rate))


def _strip(sessions: Sequence[SessionLine], marks: Sequence[MarkStatus | None]) -> Text:
    strip = Text()
    for session, status in zip(sessions, marks, strict=True):
        if status is None:
            strip.append("·" if session.taken else NOT_TAKEN_SYMBOL, style="dim")
        else:
            strip.append(LETTERS[status], style=STYLES[status])
    return strip
