"""`muster codes`: the school's table of attendance codes."""

from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.codes import PRESETS, CodeTable
from muster.domain.errors import CodeNotFound

app = typer.Typer(help="Attendance codes of the school.", no_args_is_help=True)


@app.command("list")
def list_codes(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the attendance codes in the order in which they are offered."""
    _emit(*open_records(data).codes.table(), as_json)


@app.command()
def preset(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(PRESETS)}.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use the codes of a preset. Codes that marks have stay, retired."""
    codes = open_records(data).codes
    _emit(*codes.switch(name, codes.table()[1]), as_json)


@app.command()
def change(
    code: Annotated[str, typer.Argument(help="A code of the table.")],
    meaning: Annotated[str | None, typer.Option(help="What it means.")] = None,
    colour: Annotated[str | None, typer.Option(help="Such as #1a7f37.")] = None,
    retired: Annotated[
        bool | None, typer.Option("--retired/--offered", help="Whether it can no longer be chosen.")
    ] = None,
    in_building: Annotated[
        bool | None,
        typer.Option("--in-building/--elsewhere", help="Where students with this code are, for the evacuation list."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a code of the table. What it counts as stays."""
    codes = open_records(data).codes
    table, version = codes.table()
    wanted = {"meaning": meaning, "colour": colour, "retired": retired, "in_building": in_building}
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if table.find(code) is None:
        raise CodeNotFound(f"The table has no code {code[:20]!r}. `muster codes list` shows the codes.")
    changed = [replace(known, **changes) if known.code == code else known for known in table.codes]
    _emit(*codes.replace(changed, version), as_json)


def _emit(table: CodeTable, version: int, as_json: bool) -> None:
    from muster.api.schemas.codes import CodesDocument

    def show(console: Console) -> None:
        shown = Table("code", "meaning", "counts as", "student is", "colour", "")
        for code in table.codes:
            where = "in the building" if code.is_in_building else "elsewhere"
            notes = [word for word, holds in (("retired", code.retired), ("afternoon", code.afternoon)) if holds]
            shown.add_row(
                escape(code.code), escape(code.meaning), code.status.value, where, code.colour, ", ".join(notes)
            )
        console.print(shown)

    emit(CodesDocument.of(table, version).model_dump(mode="json"), as_json, show)
