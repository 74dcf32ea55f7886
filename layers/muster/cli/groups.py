"""`muster groups`: list, add, change and remove."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.local import LocalBackend
from muster.domain.group import Group
from muster.domain.identifiers import parse_group_id, parse_user_id

app = typer.Typer(help="Classes and courses.", no_args_is_help=True)

TeacherOption = Annotated[list[str] | None, typer.Option(help="A user who may see the group; may be repeated.")]


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
    found = LocalBackend(data).records.groups.find()

    def show(console: Console) -> None:
        table = Table("id", "name", "teachers")
        for group in found:
            table.add_row(group.id, escape(group.name), ", ".join(sorted(group.teachers)))
        console.print(table if found else "There is no group yet: `muster groups add ID --name NAME`.")

    emit([_document(group) for group in found], as_json, show)


@app.command()
def add(
    group_id: Annotated[str, typer.Argument(help="Its id, such as 7b.")],
    name: Annotated[str | None, typer.Option(help="As people call it; without one, its id.")] = None,
    teacher: TeacherOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a group."""
    identifier = parse_group_id(group_id)
    teachers = [parse_user_id(one) for one in teacher or []]
    group = LocalBackend(data).records.groups.create(identifier, name or identifier, teachers)
    emit(_document(group), as_json, lambda console: console.print(f"The group {group.id} is there."))


@app.command()
def change(
    group_id: Annotated[str, typer.Argument(help="Its id.")],
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    teacher: TeacherOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a group another name, or other teachers in place of those it has."""
    groups = LocalBackend(data).records.groups
    identifier = parse_group_id(group_id)
    teachers = None if teacher is None else [parse_user_id(one) for one in teacher]
    group = groups.update(identifier, groups.get(identifier).version, name, teachers)
    emit(_document(group), as_json, lambda console: console.print(f"The group {group.id} is changed."))


@app.command()
def remove(
    group_id: Annotated[str, typer.Argument(help="Its id.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a group that has neither students nor sessions."""
    identifier = parse_group_id(group_id)
    LocalBackend(data).records.groups.remove(identifier)
    emit({"removed": identifier}, as_json, lambda console: console.print(f"The group {identifier} is gone."))
