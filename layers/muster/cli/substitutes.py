"""`muster substitutes`: codes with which substitutes keep the registers of one day."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.confirmation import confirm
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.actor import OPERATOR
from muster.domain.identifiers import parse_group_id
from muster.domain.period import parse_day

app = typer.Typer(help="Codes of substitutes, for one day.", no_args_is_help=True)


@app.command("list")
def list_substitutes(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the codes of the last week and those to come, without their secrets."""
    from muster.api.schemas.substitutes import SubstituteDocument, SubstituteList

    substitutes = open_records(data).substitutes
    found, now = substitutes.find(), substitutes.now()

    def show(console: Console) -> None:
        table = Table("code", "name", "day", "groups", "state", "devices")
        for substitute in found:
            table.add_row(
                f"{substitute.id}…",
                escape(substitute.name),
                substitute.day.isoformat(),
                ", ".join(sorted(substitute.groups)),
                substitute.state(now),
                str(substitute.devices),
            )
        console.print(table if found else "There are no codes.")

    document = SubstituteList(items=[SubstituteDocument.of(substitute, now) for substitute in found])
    emit(document.model_dump(mode="json"), as_json, show)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The substitute's name, which the audit shows.")],
    group: Annotated[list[str], typer.Option(help="A group whose registers they keep; may be repeated.")],
    day: Annotated[
        str | None, typer.Option(help="In the school's time zone, such as 2026-09-01. Default: today.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a code for one day and show it, once."""
    from muster.api.schemas.substitutes import SubstituteDocument

    substitutes = open_records(data).substitutes
    made, code = substitutes.add(name, list(map(parse_group_id, group)), OPERATOR.user_id, parse_day(day))

    def show(console: Console) -> None:
        console.print(f"The code of {made.name} for {made.day}, shown only once:", markup=False)
        console.print(code, highlight=False)

    document = SubstituteDocument.of(made, substitutes.now()).model_dump(mode="json")
    emit(document | {"code": code}, as_json, show)


@app.command()
def remove(
    substitute: Annotated[str, typer.Argument(help="The first three symbols of the code.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a code and the access of those who use it, at once."""
    from muster.api.schemas.substitutes import SubstituteDocument

    substitutes = open_records(data).substitutes
    confirm(f"End the access with the code {substitute}?", yes)
    revoked = substitutes.revoke(substitute, OPERATOR.user_id)
    document = SubstituteDocument.of(revoked, substitutes.now()).model_dump(mode="json")
    emit(document, as_json, lambda console: console.print(f"{revoked.name} has no access any more.", markup=False))
