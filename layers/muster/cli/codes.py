"""`muster codes`: the school's table of attendance codes."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.codes import PRESETS, CodeTable

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


def _emit(table: CodeTable, version: int, as_json: bool) -> None:
    from muster.api.schemas.codes import CodesDocument

    def show(console: Console) -> None:
        shown = Table("code", "meaning", "counts as", "colour", "")
        for code in table.codes:
            notes = [word for word, holds in (("retired", code.retired), ("afternoon", code.afternoon)) if holds]
            shown.add_row(escape(code.code), escape(code.meaning), code.status.value, code.colour, ", ".join(notes))
        console.print(shown)

    emit(CodesDocument.of(table, version).model_dump(mode="json"), as_json, show)
