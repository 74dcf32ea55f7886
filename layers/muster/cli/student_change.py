"""`muster students change` and `muster students consent`."""

from typing import Annotated

import typer

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.actor import OPERATOR
from muster.domain.errors import ConsentRequired
from muster.domain.identifiers import parse_group_id, parse_student_id
from muster.domain.student import CONSENT_WORDING


def change_student(
    student_id: Annotated[str, typer.Argument(help="The student's id.")],
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    join: Annotated[list[str] | None, typer.Option(help="A group that the student joins; may be repeated.")] = None,
    leave: Annotated[list[str] | None, typer.Option(help="A group that the student leaves; may be repeated.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a student's name or groups. A group keeps the marks of a student who leaves it."""
    if name is None and not join and not leave:
        raise typer.BadParameter("give at least one of --name, --join and --leave")
    identifier = parse_student_id(student_id)
    joins = frozenset(map(parse_group_id, join or []))
    leaves = frozenset(map(parse_group_id, leave or []))
    if both := joins & leaves:
        raise typer.BadParameter(f"a student cannot join and leave the same group: {', '.join(sorted(both))}")
    roster = open_records(data).roster
    student = roster.get(identifier)
    if others := leaves - student.groups:
        raise typer.BadParameter(
            f"{identifier} is not in {', '.join(sorted(others))}, only in {', '.join(sorted(student.groups))}"
        )
    groups = (student.groups | joins) - leaves
    changed = roster.update(identifier, student.version, name, groups)
    document = {"student_id": changed.id, "name": changed.name, "group_ids": sorted(changed.groups)}
    emit(
        document,
        as_json,
        lambda console: console.print(
            f"{changed.id} is now {changed.name}, in {', '.join(sorted(changed.groups))}.",
            soft_wrap=True,
            highlight=False,
            markup=False,
        ),
    )


def record_consent(
    student_ids: Annotated[list[str], typer.Argument(help="Registered students who have given consent.")],
    consent: Annotated[bool, typer.Option("--consent", help="They agreed to the current wording.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that registered students agreed to the current wording of the consent. Photos and templates are kept."""
    if not consent:
        raise ConsentRequired("Consent is required: ask the students, then add --consent.")
    identifiers = [parse_student_id(student_id) for student_id in student_ids]
    roster = open_records(data).roster
    for identifier in identifiers:
        roster.get(identifier)
    for identifier in identifiers:
        roster.agree(identifier, OPERATOR.user_id)
    document = {"wording": CONSENT_WORDING, "student_ids": identifiers}
    emit(
        document,
        as_json,
        lambda console: console.print(
            f"Recorded consent to the wording {CONSENT_WORDING} for {len(identifiers)} students."
        ),
    )
