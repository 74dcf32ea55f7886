"""A console that never truncates: long cells fold at a terminal, and rows are tab-separated lines elsewhere."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text


class TableConsole(Console):
    """Prints tables and text in full, whatever the width; without a terminal, in a form that programs can read."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `rich.console.Console.print` does."""
        if not self.is_terminal:
            options.setdefault("soft_wrap", True)
            if len(objects) == 1 and isinstance(objects[0], Table):
                # Unchanged: rich would print tabs as spaces.
                self.file.write(f"{_lines(objects[0])}\n")
                return
        for printed in objects:
            if isinstance(printed, Table):
                for column in printed.columns:
                    column.overflow = "fold"
        super().print(*objects, **options)


def _lines(table: Table) -> str:
    """Return a table as text: title, header, rows and caption, one per line."""
    rows = zip(*(map(_text, column.cells) for column in table.columns), strict=True)
    lines = ["\t".join(_text(column.header) for column in table.columns), *map("\t".join, rows)]
    return "\n".join([*_optional(table.title), *lines, *_optional(table.caption)])


def _text(cell: RenderableType) -> str:
    plain = cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain
    return " ".join(plain.split())


def _optional(line: RenderableType | None) -> Iterable[str]:
    return [] if line is None else [_text(line)]
