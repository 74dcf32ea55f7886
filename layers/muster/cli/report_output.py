"""Options for the output of reports that consist of tables, and the output itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.attendance import FileFormat, LanguageOption, ZoneOption, format_of, page_language, write_file
from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.reports.csv_file import Delimiter
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.table import ColumnKind, ReportTable, Value
from muster.reports.wording import percent

if TYPE_CHECKING:
    from pydantic import BaseModel

    from muster.composition.record_services import Records

_OPTIONS: tuple[tuple[str, Any, Any], ...] = (
    (
        "output",
        Annotated[
            Path | None,
            typer.Option(help="Write a file instead: CSV, XLSX or a printable HTML page, by the name's extension."),
        ],
        None,
    ),
    (
        "delimiter",
        Annotated[Delimiter, typer.Option(help="For CSV. German and French Excel expect semicolon; default: comma.")],
        Delimiter.COMMA,
    ),
    ("force", Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")], False),
    ("language", LanguageOption, None),
    ("time_zone", ZoneOption, None),
    ("data", DataOption, None),
    ("as_json", JsonOption, False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutput:
    """The store that a report is read from, and where the report goes.

    Attributes:
        output: the file to write; None means the terminal.
        language: the language of a page.
    """

    output: Path | None
    delimiter: Delimiter
    force: bool
    language: str | None
    time_zone: str | None
    data: Path | None
    as_json: bool

    def records(self) -> Records:
        """Open the store."""
        return open_records(self.data, self.time_zone)

    def finish(
        self,
        listing_in: Callable[[Language], Listing],
        document: Callable[[], BaseModel],
        page: Callable[[Language], str] | None = None,
    ) -> None:
        """Write the file, or print the report.

        Args:
            page: makes the HTML page; None makes one of the tables.
        """
        listing, language = listing_in(ENGLISH), page_language(self.language, self.output)
        if self.output is None:
            shown = document().model_dump(mode="json") if self.as_json else None
            emit(shown, self.as_json, lambda console: _show(console, listing))
            return
        chosen = format_of(self.output)
        match chosen:
            case FileFormat.CSV:
                content = listing.csv(self.delimiter)
            case FileFormat.XLSX:
                content = listing.xlsx()
            case FileFormat.HTML:
                content = (listing_in(language).html() if page is None else page(language)).encode()
        write_file(self.output, content, force=self.force)
        emit(
            {"output": str(self.output), "format": chosen},
            self.as_json,
            lambda console: console.print(f"Written: {self.output}", soft_wrap=True, highlight=False, markup=False),
        )


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ReportOutput`, which it gets as the argument `to`.

    An option that the command defines itself, such as a required `output`, is kept.
    """
    own = inspect.signature(command, eval_str=True).parameters
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation, default in _OPTIONS
        if name not in own
    ]
    parameters = [parameter for name, parameter in own.items() if name != "to"]
    names = [name for name, _, _ in _OPTIONS]

    @wraps(command)
    def run(**options: Any) -> None:
        to = ReportOutput(**{name: options[name] for name in names})
        command(**{name: value for name, value in options.items() if name in own}, to=to)

    shown = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    run.__signature__ = inspect.Signature([*shown, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*shown, *shared)}
    return run


def _show(console: Console, listing: Listing) -> None:
    console.print(f"[bold]{escape(listing.title)}[/]. {escape(listing.setting)}", highlight=False)
    for table in listing.tables:
        if len(listing.tables) > 1:
            console.print(f"\n[bold]{escape(table.name)}[/]" + ("" if table.rows else ": none"), highlight=False)
        if table.rows:
            console.print(_table(table))
        elif len(listing.tables) == 1:
            console.print("None.")
    for text in listing.remarks:
        console.print(escape(text), highlight=False)


def _table(shown: ReportTable) -> Table:
    table = Table()
    for column in shown.columns:
        right = column.kind in (ColumnKind.COUNT, ColumnKind.RATE)
        table.add_column(escape(column.title.replace("_", " ")), justify="right" if right else "left")
    kinds = [column.kind for column in shown.columns]
    for row in shown.rows:
        table.add_row(*(_cell(value, kind) for value, kind in zip(row, kinds, strict=True)))
    return table


def _cell(value: Value, kind: ColumnKind) -> str:
    if kind is ColumnKind.RATE:
        return percent(None if value is None else float(str(value)))
    return "" if value is None else escape(str(value))
