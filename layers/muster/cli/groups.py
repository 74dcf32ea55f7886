"""`muster groups`: list, add, change and remove."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.group import Group
from muster.domain.identifiers import parse_group_id, parse_user_id

app = typer.Typer(help="Classes and courses.", no_args_is_help=True)

TeacherOption = Annotated[list[str] | None, typer.Option(help="A user who teaches the group; may be repeated.")]


def _document(group: Group) -> dict[str, object]:
    return {
        "group_id": group.id,
        "name": group.name,
        "teachers": sorted(group.teachers),
        "version": group.version,
    }


@app.command("list")
def list_groups(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the groups."""
    found = open_records(data).groups.find()

    def show(console: Console) -> None:
        table = Table("id", "name", "teachers")
        for group in found:
            table.add_row(group.id, escape(group.name), ", ".join(sorted(group.teachers)))
        console.print(table if found else "There are no groups yet. Add one with `muster groups add ID --name NAME`.")

    emit([_document(group) for group in found], as_json, show)


@app.command()
def add(
    group_id: Annotated[str, typer.Argument(help="The group's id, such as 7b.")],
    name: Annotated[str | None, typer.Option(help="The group's name; default: its id.")] = None,
    teacher: TeacherOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a group."""
    identifier = parse_group_id(group_id)
    teachers = [parse_user_id(user_id) for user_id in teacher or []]
    group = open_records(data).groups.create(identifier, name or identifier, teachers)
    emit(_document(group), as_json, lambda console: console.print(f"Added the group {group.id}."))


@app.command()
def change(
    group_id: Annotated[str, typer.Argument(help="The group's id.")],
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    teacher: TeacherOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a group's name, or replace its teachers."""
    groups = open_records(data).groups
    identifier = parse_group_id(group_id)
    teachers = None if teacher is None else [parse_user_id(user_id) for user_id in teacher]
    group = groups.update(identifier, groups.get(identifier).version, name, teachers)
    emit(_document(group), as_json, lambda console: console.print(f"Changed the group {group.id}."))


@app.command()
def remove(
    group_id: Annotated[str, typer.Argument(help="The group's id.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a group that has neither students nor sessions."""
    identifier = parse_group_id(group_id)
    open_records(data).groups.remove(identifier)
    emit({"removed": identifier}, as_json, lambda console: console.print(f"Removed the group {identifier}."))
