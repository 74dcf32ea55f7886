"""`muster students import`: preview, confirmation and result."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.import_output import show_findings, show_lines, show_outcome
from muster.cli.output import DataOption, JsonOption, emit, stdout
from muster.domain.identifiers import GroupId, parse_group_id
from muster.services.roster_import.execution import (
    GroupChanges,
    ImportReport,
    RosterImport,
    RowAction,
)
from muster.services.roster_import.table import RosterTable, read_roster

_PREVIEW = 5
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def import_roster(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV or XLSX file.")],
    group: Annotated[
        list[str] | None, typer.Option(help="A group that every student in the file joins; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes without writing them.")] = False,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV file, such as windows-1254; default: detected.")
    ] = None,
    make_ids: Annotated[
        bool, typer.Option("--make-ids", help="Convert ids such as 2021/CS/045 to 2021-CS-045.")
    ] = False,
    replace_groups: Annotated[
        bool,
        typer.Option(
            "--replace-groups",
            help="The file lists each of its groups completely: students who are not listed leave the group.",
        ),
    ] = False,
    leave: Annotated[
        list[str] | None, typer.Option(help="A group that every student in the file leaves; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the students in a file to the roster. A header row names the columns: student_id, name, group.

    The command shows a preview, and at a terminal asks for confirmation. If a row has an error, nothing is written and
    the exit status is 1. docs/rosters.md describes the accepted files.
    """
    from muster.api.schemas.roster_import import ImportDocument

    groups = list(map(parse_group_id, group or []))
    changes = GroupChanges(replace_groups, frozenset(map(parse_group_id, leave or [])))
    table = read_roster(file.read_bytes(), file.name, encoding)
    use_case = RosterImport(open_records(data).roster)
    report = use_case.plan(table, groups, changes=changes, make_ids=make_ids)
    if not as_json:
        _show_preview(stdout, report)
    if not dry_run and not report.errors:
        if not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm(f"Apply these changes ({_counts(report)})?", abort=True, err=True)
        report = use_case.apply(report)
    document = ImportDocument.of(report).model_dump(mode="json")
    emit(
        document,
        as_json,
        lambda console: show_outcome(
            console, _counts(report), errors=report.errors, applied=report.applied, source="file"
        ),
    )
    if report.errors:
        raise typer.Exit(1)


def _show_preview(console: Console, report: ImportReport) -> None:
    console.print(_reading(report.table), highlight=False, markup=False)
    taken = report.table.columns.taken
    names = [title for kind in ("name", "first_name", "last_name") for title in taken.get(kind, [])]
    table = Table("row", "", _title("id", taken["student_id"]), _title("name", names))
    table.add_column(_title("groups", taken.get("groups", [])), overflow="fold")
    for column in table.columns:
        column.overflow = "fold"
    for row in report.rows[:_PREVIEW]:
        number = "" if row.row is None else str(row.row)
        groups = ", ".join(_group(report, group) for group in sorted(row.groups))
        table.add_row(number, row.action.value, escape(row.student_id), escape(row.name), escape(groups))
    console.print(table)
    if len(report.rows) > _PREVIEW:
        console.print(f"... and {len(report.rows) - _PREVIEW} more.", highlight=False)
    show_findings(console, report.findings)
    _show_moves(console, report)


def _group(report: ImportReport, group_id: GroupId) -> str:
    name = report.group_names.get(group_id, group_id)
    return group_id if name == group_id else f"{group_id} ({name})"


def _reading(table: RosterTable) -> str:
    titles = f"row {table.header_row} is the header"
    if table.sheet is not None:
        return f"Read the sheet {table.sheet} of the workbook; {titles}."
    delimiter = _DELIMITERS.get(table.delimiter or "", repr(table.delimiter))
    return f"Read as {table.encoding}, separated by {delimiter}; {titles}."


def _title(what: str, columns: list[str]) -> str:
    return escape(f"{what} ({' + '.join(columns)})" if columns and columns != [what] else what)


def _show_moves(console: Console, report: ImportReport) -> None:
    moves = []
    for row in report.rows:
        leaves = f"leaves {', '.join(sorted(row.leaves))}" if row.leaves else ""
        joins = f"joins {', '.join(sorted(row.joins))}" if row.joins else ""
        if row.action is RowAction.UPDATE and (leaves or joins):
            moves.append(f"{row.student_id} {', '.join(filter(None, (leaves, joins)))}")
    show_lines(console, moves)


def _counts(report: ImportReport) -> str:
    words = {RowAction.ADD: "new", RowAction.UPDATE: "changed", RowAction.NOTHING: "as before"}
    return ", ".join(f"{report.count(action)} {word}" for action, word in words.items())
