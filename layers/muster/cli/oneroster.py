"""`muster oneroster import`: preview, confirmation and result."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from muster.cli.backend import open_records
from muster.cli.import_output import show_findings, show_lines, show_outcome
from muster.cli.output import DataOption, JsonOption, emit, stdout
from muster.services.oneroster.execution import OneRosterImport, OneRosterReport
from muster.services.oneroster.package import read_archive, read_folder
from muster.services.oneroster.plan import Options
from muster.services.oneroster.tables import Mode, read_tables
from muster.services.roster_import.plan import RowAction

app = typer.Typer(help="Rosters of a school's information system, as OneRoster CSV.", no_args_is_help=True)

_WORDS = {RowAction.ADD: "new", RowAction.UPDATE: "changed", RowAction.NOTHING: "as before"}


@app.callback()
def _group() -> None:
    """Rosters of a school's information system, as OneRoster CSV."""


@app.command("import")
def import_package(
    package: Annotated[Path, typer.Argument(exists=True, readable=True, help="A ZIP archive, or a folder.")],
    school: Annotated[
        str | None, typer.Option(help="Read the classes of one organisation: its sourcedId, identifier or name.")
    ] = None,
    school_ids: Annotated[
        bool,
        typer.Option("--school-ids", help="Know students by identifier and classes by classCode, not by sourcedId."),
    ] = False,
    allow_removals: Annotated[
        bool, typer.Option("--allow-removals", help="Go on even if most students leave their classes.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes without writing them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring groups, students, teachers and terms up to date from a OneRoster package, version 1.1 or 1.2.

    The command shows a preview, and at a terminal asks for confirmation. If a finding is an error, nothing is written
    and the exit status is 1. Consent is never imported, and nobody is erased. docs/oneroster.md describes the rules.
    """
    from muster.api.schemas.oneroster import OneRosterDocument

    tables = read_tables(read_folder(package) if package.is_dir() else read_archive(package.read_bytes()))
    records = open_records(data)
    options = Options(
        today=datetime.now(records.zone).date(),
        school=school,
        school_ids=school_ids,
        allow_removals=allow_removals,
    )
    use_case = OneRosterImport(records.roster, records.groups, records.people, records.timetables)
    report = use_case.plan(tables, options)
    if not as_json:
        _show_preview(stdout, report)
    if not dry_run and not report.errors:
        if not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm(f"Apply these changes ({_counts(report)})?", abort=True, err=True)
        report = use_case.apply(report)
    document = OneRosterDocument.of(report).model_dump(mode="json")
    emit(
        document,
        as_json,
        lambda console: show_outcome(
            console, _counts(report), errors=report.errors, applied=report.applied, source="export"
        ),
    )
    if report.errors:
        raise typer.Exit(1)


def _show_preview(console: Console, report: OneRosterReport) -> None:
    read = [f"{file} ({mode})" for file, mode in report.modes.items() if mode is not Mode.ABSENT]
    console.print(f"OneRoster {report.version}: {', '.join(read)}.", highlight=False, markup=False, soft_wrap=True)
    show_findings(console, report.findings)
    lines = [*_group_lines(report), *_student_lines(report), *_teacher_lines(report), *_term_lines(report)]
    show_lines(console, lines)


def _group_lines(report: OneRosterReport) -> list[str]:
    return [
        f"{'new group' if group.action is RowAction.ADD else 'renames group'} {group.group_id} ({group.name})"
        for group in report.groups
        if group.action is not RowAction.NOTHING
    ]


def _student_lines(report: OneRosterReport) -> list[str]:
    lines = []
    for row in report.students:
        if row.action is RowAction.NOTHING:
            continue
        moves = [f"joins {', '.join(sorted(row.joins))}"] if row.joins else []
        moves += [f"leaves {', '.join(sorted(row.leaves))}"] if row.leaves else []
        new = "new student " if row.action is RowAction.ADD else ""
        lines.append(f"{new}{row.student_id} ({row.name}) {', '.join(moves) or 'has another name'}")
    return lines


def _teacher_lines(report: OneRosterReport) -> list[str]:
    return [
        f"{teacher.user_id} {'teaches' if teacher.teaches else 'no longer teaches'} {teacher.group_id}"
        for teacher in report.teachers
    ]


def _term_lines(report: OneRosterReport) -> list[str]:
    return [
        f"{'removes' if planned.remove else 'new' if planned.action is RowAction.ADD else 'changes'} term "
        f"{planned.term.name} ({planned.term.first_day.isoformat()} to {planned.term.last_day.isoformat()})"
        for planned in report.terms
        if planned.action is not RowAction.NOTHING
    ]


def _counts(report: OneRosterReport) -> str:
    students = ", ".join(f"{report.count(action)} {word}" for action, word in _WORDS.items())
    terms = sum(planned.action is not RowAction.NOTHING for planned in report.terms)
    teachers = len(report.teachers)
    changes = f"changes of teachers: {teachers}; changes of terms: {terms}"
    return f"students: {students}; groups: {len(report.groups)}; {changes}"
