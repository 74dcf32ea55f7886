"""A console that never cuts off an id: at a terminal long cells fold, elsewhere rows are lines of values and tabs."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text


class TableConsole(Console):
    """Prints tables and sentences whole, whatever the width; other programs read them where it is no terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `rich.console.Console.print` does."""
        if not self.is_terminal:
            options.setdefault("soft_wrap", True)
            if len(objects) == 1 and isinstance(objects[0], Table):
                # As it is: printed by rich, tabs would be spaces.
                self.file.write(f"{_lines(objects[0])}\n")
                return
        for thing in objects:
            if isinstance(thing, Table):
                for column in thing.columns:
                    column.overflow = "fold"
        super().print(*objects, **options)


def _lines(table: Table) -> str:
    """Write a table as text: its title, one line for the header and for each row, its caption."""
    rows = zip(*(map(_text, column.cells) for column in table.columns), strict=True)
    lines = ["\t".join(_text(column.header) for column in table.columns), *map("\t".join, rows)]
    return "\n".join([*_spoken(table.title), *lines, *_spoken(table.caption)])


def _text(cell: RenderableType) -> str:
    plain = cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain
    return " ".join(plain.split())


def _spoken(line: RenderableType | None) -> Iterable[str]:
    return [] if line is None else [_text(line)]
