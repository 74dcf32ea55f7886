"""`muster students`: list and erase."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.local import open_roster
from muster.domain.identifiers import parse_group_id, parse_student_id

app = typer.Typer(help="Registered students.", no_args_is_help=True)


@app.command("list")
def list_students(
    group: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the registered students."""
    found = open_roster(data).find(None if group is None else parse_group_id(group))
    document = [
        {
            "student_id": student.id,
            "name": student.name,
            "group_ids": sorted(student.groups),
            "registered_at": student.registered_at.isoformat(),
        }
        for student in found
    ]

    def show(console: Console) -> None:
        if not found:
            console.print("Nobody is registered: `muster register PHOTO --id ID --name NAME --group G --consent`.")
            return
        table = Table("id", "name", "groups", "registered")
        for student in found:
            groups = ", ".join(sorted(student.groups))
            table.add_row(student.id, student.name, groups, f"{student.registered_at:%Y-%m-%d}")
        console.print(table)

    emit(document, as_json, show)


@app.command()
def erase(
    student_id: Annotated[str, typer.Argument(help="Who is erased.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a student: record, templates, photo and every head trained on them. It cannot be undone."""
    identifier = parse_student_id(student_id)
    roster = open_roster(data)
    student = roster.get(identifier)
    if not yes:
        typer.confirm(f"Erase {student.name} ({student.id}) for good?", abort=True, err=True)
    roster.erase(identifier)
    emit(
        {"erased": identifier},
        as_json,
        lambda console: console.print(f"{identifier} is erased. Run `muster train` to train a new head."),
    )
