"""`muster students import`: preview, confirmation and result."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from muster.cli.backend import open_records
from muster.cli.import_output import show_outcome
from muster.cli.output import DataOption, JsonOption, emit, stdout
from muster.domain.identifiers import parse_group_id


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
    # The other commands of `muster students` need none of these.
    from muster.api.schemas.roster_import import ImportDocument
    from muster.cli.roster_preview import counts_text, show_preview
    from muster.services.roster_import.execution import GroupChanges, RosterImport
    from muster.services.roster_import.table import read_roster

    groups = list(map(parse_group_id, group or []))
    changes = GroupChanges(replace_groups, frozenset(map(parse_group_id, leave or [])))
    table = read_roster(file.read_bytes(), file.name, encoding)
    use_case = RosterImport(open_records(data).roster)
    report = use_case.plan(table, groups, changes=changes, make_ids=make_ids)
    if not as_json:
        show_preview(stdout, report)
    if not dry_run and not report.errors:
        if not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
            typer.confirm(f"Apply these changes ({counts_text(report)})?", abort=True, err=True)
        report = use_case.apply(report)
    document = ImportDocument.of(report).model_dump(mode="json")
    emit(
        document,
        as_json,
        lambda console: show_outcome(
            console, counts_text(report), errors=report.errors, applied=report.applied, source="file"
        ),
    )
    if report.errors:
        raise typer.Exit(1)
