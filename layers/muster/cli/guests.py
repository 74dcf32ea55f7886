"""`muster guests`: people who are at a session without being in its group."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.naming import GroupOption, SessionArgument, find_session
from muster.cli.output import DataOption, JsonOption, emit
from muster.cli.session_output import local_user
from muster.domain.identifiers import parse_student_id

app = typer.Typer(help="Guests of sessions: people who are there without being in the group.", no_args_is_help=True)


@app.command("list")
def list_guests(
    session: SessionArgument, group: GroupOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the guests of a session."""
    from muster.api.schemas.guests import GuestsDocument

    records = open_records(data)
    identifier = find_session(records, session, group)
    book = records.guests.of(identifier)
    users = records.people.names({*(guest.by for guest in book.guests), *(change.by for change in book.changes)})
    document = GuestsDocument.of(book, users)

    def show(console: Console) -> None:
        if not document.guests:
            console.print(f"The session {identifier} has no guests.")
            return
        table = Table("id", "name", "student", "by")
        for guest, described in zip(book.guests, document.guests, strict=True):
            by = described.by_name or described.by
            table.add_row(guest.id, escape(guest.name), guest.student_id or "", escape(by))
        console.print(table)

    emit(document.model_dump(mode="json"), as_json, show)


@app.command()
def add(
    session: SessionArgument,
    name: Annotated[str, typer.Argument(help="The guest's name; default: that of the student.")] = "",
    student: Annotated[str | None, typer.Option(help="The guest is this student of another group.")] = None,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a guest. Guests count in no figure, and no face is learned."""
    from muster.api.schemas.guests import GuestDocument

    records = open_records(data)
    identifier = find_session(records, session, group)
    known = None if student is None else records.roster.get(parse_student_id(student))
    guest = records.guests.add(identifier, name, local_user(), known)
    document = GuestDocument.of(guest, records.people.names({guest.by}))
    text = f"{escape(guest.name)} is a guest: `muster guests remove {identifier} {guest.id}` removes them."
    emit(
        document.model_dump(mode="json"), as_json, lambda console: console.print(text, soft_wrap=True, highlight=False)
    )


@app.command()
def remove(
    session: SessionArgument,
    guest: Annotated[str, typer.Argument(help="The guest's id.")],
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a guest; the changes keep who did."""
    records = open_records(data)
    identifier = find_session(records, session, group)
    records.guests.remove(identifier, guest, local_user())
    emit({"removed": guest}, as_json, lambda console: console.print(f"Removed the guest {escape(guest)}."))
