"""`muster notices`: notices of absences and the contacts of students."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.absence_notices import Contact, NoticeState, SentNotice
from muster.domain.identifiers import parse_student_id

app = typer.Typer(help="Notices of absences by e-mail and webhook.", no_args_is_help=True)


@app.command("list")
def list_notices(
    days: Annotated[int, typer.Option(min=1, help="Days to look back.")] = 7,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who received which notice, and when."""
    notices = open_records(data).notices
    today = datetime.now(UTC).astimezone(notices.zone).date()
    _emit(notices.records.find(today - timedelta(days=days), today), as_json)


@app.command()
def preview(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the notices that are due now, without sending them."""
    from muster.api.schemas.notices import DueNoticeDocument, DueNoticeList

    notices = open_records(data).notices
    due = notices.due()

    def show(console: Console) -> None:
        table = Table("student", "day", "notice", "lessons", "addresses")
        for notice in due:
            addresses = ", ".join(contact.address for contact in notice.contacts)
            cells = (notice.student.name, notice.day.isoformat(), notice.kind.value, notice.lessons, addresses)
            table.add_row(*map(escape, cells))
        console.print(table if due else "No notice is due.")
        if notices.channels is None:
            console.print("Notices are switched off (MUSTER_NOTICES).")

    items = [DueNoticeDocument.of(notice) for notice in due]
    document = DueNoticeList(enabled=notices.channels is not None, items=items)
    emit(document.model_dump(mode="json"), as_json, show)


@app.command()
def send(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Send the notices that are due now. `muster serve` does so every five minutes."""
    sent = open_records(data).notices.send()
    _emit(sent, as_json)
    if any(notice.state is not NoticeState.SENT for notice in sent):
        raise typer.Exit(1)


@app.command()
def contacts(
    student_id: Annotated[str, typer.Argument(help="The student's id.")],
    address: Annotated[
        list[str] | None, typer.Option(help="An address that replaces the earlier ones; may be repeated.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of these addresses: en, de, hi or ar.")] = "en",
    clear: Annotated[bool, typer.Option("--clear", help="Remove all addresses.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or replace the addresses that receive notices about a student."""
    from muster.api.schemas.notices import ContactList

    records = open_records(data)
    student = records.roster.get(parse_student_id(student_id))
    stored = records.notices.records
    found = stored.contacts(student.id)
    if address or clear:
        found = stored.set_contacts(student.id, [Contact(each, language) for each in address or []])

    def show(console: Console) -> None:
        for contact in found:
            console.print(f"{contact.address} ({contact.language})", highlight=False, markup=False)
        if not found:
            console.print("There are no addresses.")

    emit(ContactList.of(found).model_dump(mode="json"), as_json, show)


def _emit(found: list[SentNotice], as_json: bool) -> None:
    from muster.api.schemas.notices import NoticeDocument, NoticeList

    def show(console: Console) -> None:
        table = Table("at", "student", "day", "notice", "state", "received by", "unclear", "office", "reason")
        for notice in found:
            cells: tuple[Any, ...] = (
                f"{notice.at:%Y-%m-%d %H:%M}",
                notice.student_id,
                notice.day.isoformat(),
                notice.kind.value,
                _word(notice.state),
                ", ".join(sorted(notice.done)),
                ", ".join(sorted(notice.unclear)),
                ", ".join(f"{address} {_word(state)}" for address, state in sorted(notice.office.items())),
                notice.reason,
            )
            table.add_row(*map(escape, cells))
        console.print(table if found else "There are no notices.")

    document = NoticeList(items=[NoticeDocument.of(notice) for notice in found])
    emit(document.model_dump(mode="json"), as_json, show)


def _word(state: NoticeState) -> str:
    return "unclear" if state is NoticeState.SENDING else state.value
