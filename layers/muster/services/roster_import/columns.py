"""The columns of a roster file that are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from muster.services.roster_import.cells import EMPTY, Cell
from muster.services.roster_import.findings import Finding, Severity
from muster.services.roster_import.headers import Header


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of the columns that are read; a full name, or one or both of its halves."""

    titles: tuple[str, ...]
    id: int
    name: int | None
    first: int | None
    last: int | None
    groups: tuple[int, ...]

    def title(self, at: int) -> str:
        """Return a column's title as the file writes it."""
        return self.titles[at]

    @property
    def names(self) -> tuple[int, ...]:
        """The columns that the name is made of."""
        return tuple(at for at in (self.name, self.first, self.last) if at is not None)

    @property
    def taken(self) -> dict[str, list[str]]:
        """The titles that are read, by what they give."""
        positions = {
            "student_id": (self.id,),
            "name": (self.name,),
            "first_name": (self.first,),
            "last_name": (self.last,),
            "groups": self.groups,
        }
        named = {kind: [self.titles[at] for at in found if at is not None] for kind, found in positions.items()}
        return {kind: titles for kind, titles in named.items() if titles}


def cell_at(cells: Sequence[Cell], at: int | None) -> Cell:
    """Return a row's cell; an empty one where the row is shorter, or there is no such column."""
    return cells[at] if at is not None and at < len(cells) else EMPTY


def choose_columns(header: Header, rows: Sequence[Sequence[Cell]]) -> Columns:
    """Choose among the columns of a complete header: the best title whose column is not empty."""

    def filled(at: int | None) -> bool:
        return any(cell_at(row, at).text for row in rows)

    ranks = [rank for rank in header.groups if any(map(filled, rank))] or [*header.groups, ()]
    name, first, last = _names(header, rows)
    id_column = next(filter(filled, header.ids), header.ids[0])
    return Columns(header.titles, id_column, name, first, last, ranks[0])


def _names(header: Header, rows: Sequence[Sequence[Cell]]) -> tuple[int | None, int | None, int | None]:
    name, first, last = header.name, header.first, header.last
    if name is not None and any(cell_at(row, name).text for row in rows):
        half = first if first is not None else last
        if not header.has_short_name or half is None or (first is not None and last is not None):
            return name, None, None
        if all(_holds(cell_at(row, name), cell_at(row, half)) for row in rows):
            return name, None, None
        return (None, first, name) if first is not None else (None, name, last)
    return (None, first, last) if (first, last) != (None, None) else (name, None, None)


def _holds(full: Cell, half: Cell) -> bool:
    return set(half.text.split()) <= set(full.text.split()) and full.text != half.text


def unused_candidates(header: Header, columns: Columns, row: int) -> list[Finding]:
    """Say which of several columns for one thing was taken."""
    found = []
    for what, taken, candidates in (
        ("student id", (columns.id,), header.ids),
        ("groups", columns.groups, tuple(at for rank in header.groups for at in rank)),
    ):
        others = [header.titles[at] for at in candidates if at not in taken]
        if others:
            titles = " and ".join(header.titles[at] for at in taken)
            detail = f"The {what} is read from the column {titles}; not used: {', '.join(others)}."
            detail = detail.replace("groups is", "groups are")
            found.append(Finding(row, "column_chosen", detail, Severity.INFORMATION, titles))
    return found
