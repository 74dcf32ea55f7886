"""`muster groups`: list, add, change and remove."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.group import Group
from muster.domain.identifiers import parse_group_id

if TYPE_CHECKING:
    from muster.composition.record_services import Records

app = typer.Typer(help="Classes and courses.", no_args_is_help=True)

TeacherOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A user who teaches the group, by id, or on a stage by e-mail address; may be repeated.",
    ),
]


def _documents(records: "Records", groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Describe groups as the API does."""
    from muster.api.schemas.groups import GroupDocument

    names = records.people.names({teacher for group in groups for teacher in group.teachers})
    return [GroupDocument.of(group, names).model_dump(mode="json") for group in groups]


@app.command("list")
def list_groups(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the groups."""
    records = open_records(data)
    found = _documents(records, records.groups.find())

    def show(console: Console) -> None:
        table = Table("id", "name", "teachers")
        for group in found:
            teachers = ", ".join(group["teacher_names"].get(teacher, teacher) for teacher in group["teachers"])
            table.add_row(group["group_id"], escape(group["name"]), escape(teachers))
        console.print(table if found else "There are no groups yet. Add one with `muster groups add ID --name NAME`.")

    emit(found, as_json, show)


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
    records = open_records(data)
    group = records.groups.create(identifier, name or identifier, records.people.teachers(teacher or []))
    (document,) = _documents(records, [group])
    emit(document, as_json, lambda console: console.print(f"Added the group {group.id}."))


@app.command()
def change(
    group_id: Annotated[str, typer.Argument(help="The group's id.")],
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    teacher: TeacherOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a group's name, or replace its teachers."""
    records = open_records(data)
    identifier = parse_group_id(group_id)
    teachers = None if teacher is None else records.people.teachers(teacher)
    group = records.groups.update(identifier, records.groups.get(identifier).version, name, teachers)
    (document,) = _documents(records, [group])
    emit(document, as_json, lambda console: console.print(f"Changed the group {group.id}."))


@app.command()
def remove(
    group_id: Annotated[str, typer.Argument(help="The group's id.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a group that has neither students nor sessions."""
    identifier = parse_group_id(group_id)
    records = open_records(data)
    records.groups.remove(identifier)
    records.timetables.forget(identifier)
    emit({"removed": identifier}, as_json, lambda console: console.print(f"Removed the group {identifier}."))
