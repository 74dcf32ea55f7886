"""`muster students`: list, import, change, register, replace photos, consent, withdraw, learned faces, and erase."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import named_stage, open_records, store_name
from muster.cli.bulk_registration import register_photos
from muster.cli.confirmation import confirm
from muster.cli.learned_faces import forget_faces, list_learned_faces
from muster.cli.output import DataOption, JsonOption, emit
from muster.cli.roster_import import import_roster
from muster.cli.student_change import change_student, record_consent
from muster.cli.student_photo import replace_photo
from muster.domain.identifiers import parse_group_id, parse_student_id

app = typer.Typer(help="Students on the roster.", no_args_is_help=True)
app.command("import")(import_roster)
app.command("register")(register_photos)
app.command("change")(change_student)
app.command("photo")(replace_photo)
app.command("consent")(record_consent)
app.command("learned-faces")(list_learned_faces)
app.command("forget-faces")(forget_faces)

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@app.command("list")
def list_students(
    group: Annotated[str | None, typer.Option(help="Only students of this group.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the students."""
    roster = open_records(data).roster
    found = roster.find() if group is None else roster.members(parse_group_id(group))
    document = [
        {
            "student_id": student.id,
            "name": student.name,
            "group_ids": sorted(student.groups),
            "state": student.state.value,
            "registered_at": None if student.registered_at is None else student.registered_at.isoformat(),
        }
        for student in found
    ]

    def show(console: Console) -> None:
        if not found:
            console.print(
                "There are no students. Register one: `muster register PHOTO --id ID --name NAME --group G --consent`."
            )
            return
        table = Table("id", "name", "groups", "state")
        for student in found:
            table.add_row(student.id, escape(student.name), ", ".join(sorted(student.groups)), student.state.value)
        console.print(table)

    emit(document, as_json, show)


@app.command()
def withdraw(
    student_id: Annotated[str, typer.Argument(help="The student who withdraws.")],
    yes: YesOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a student's consent: delete photo, template and every trained head, keep record and marks."""
    identifier = parse_student_id(student_id)
    roster = open_records(data).roster
    student = roster.get(identifier)
    confirm(f"Withdraw the consent of {student.name} ({student.id}) in {store_name(data)}?", yes)
    student = roster.withdraw(identifier)
    withdrawn = student.consent.withdrawn_at if student.consent else None
    emit(
        {"student_id": identifier, "withdrawn_at": None if withdrawn is None else withdrawn.isoformat()},
        as_json,
        lambda console: console.print(f"Withdrew consent. From now on, mark {identifier} by hand."),
    )


@app.command()
def erase(
    student_id: Annotated[str, typer.Argument(help="The student to erase.")],
    yes: YesOption = False,
    verify: Annotated[bool, typer.Option("--verify", help="Afterwards search the whole store for the id.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a student: record, templates, photos, marks and every head trained on them. This cannot be undone.

    With --verify, the student may have been erased before. The exit status is 1 if a trace is found.
    """
    identifier = parse_student_id(student_id)
    roster = open_records(data).roster
    if not verify or any(student.id == identifier for student in roster.find()):
        student = roster.get(identifier)
        confirm(f"Erase {student.name} ({student.id}) from {store_name(data)} for good?", yes)
        roster.erase(identifier)
    document: dict[str, Any] = {"erased": identifier}
    if verify:
        document["traces"] = roster.traces(identifier)

    def show(console: Console) -> None:
        again = "The stage trains again" if named_stage() else "Run `muster train` to train again"
        console.print(f"Erased {identifier} from {store_name(data)}. {again} without this student.", soft_wrap=True)
        if verify and not document["traces"]:
            console.print("Searched every record and file name: no trace of the id.")
        for trace in document.get("traces", []):
            console.print(f"[bold red]trace found[/]: {escape(trace)}")

    emit(document, as_json, show)
    if document.get("traces"):
        raise typer.Exit(1)
