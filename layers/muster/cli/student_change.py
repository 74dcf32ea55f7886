"""`muster students change`: a student's name and groups."""

from typing import Annotated

import typer

from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.pointed import open_roster
from muster.domain.identifiers import parse_group_id, parse_student_id


def change_student(
    student_id: Annotated[str, typer.Argument(help="The student's id.")],
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    join: Annotated[list[str] | None, typer.Option(help="A group that the student joins; may be repeated.")] = None,
    leave: Annotated[list[str] | None, typer.Option(help="A group that the student leaves; may be repeated.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a student's name or groups. Marks made in a group stay there when the student leaves it."""
    if name is None and not join and not leave:
        raise typer.BadParameter("name what is to change: --name, --join or --leave")
    identifier = parse_student_id(student_id)
    joins = frozenset(map(parse_group_id, join or []))
    leaves = frozenset(map(parse_group_id, leave or []))
    if both := joins & leaves:
        raise typer.BadParameter(f"a student cannot join and leave one group at once: {', '.join(sorted(both))}")
    roster = open_roster(data)
    student = roster.get(identifier)
    if strange := leaves - student.groups:
        raise typer.BadParameter(
            f"{identifier} is not in {', '.join(sorted(strange))}, only in {', '.join(sorted(student.groups))}"
        )
    groups = (student.groups | joins) - leaves
    changed = roster.update(identifier, student.version, name, groups)
    document = {"student_id": changed.id, "name": changed.name, "group_ids": sorted(changed.groups)}
    emit(
        document,
        as_json,
        lambda console: console.print(
            f"{changed.id} is {changed.name}, in {', '.join(sorted(changed.groups))}.",
            soft_wrap=True,
            highlight=False,
            markup=False,
        ),
    )
