"""Preview of a roster import at the terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.import_output import show_findings, show_lines
from muster.domain.identifiers import GroupId
from muster.services.roster_import.execution import ImportReport, RowAction
from muster.services.roster_import.table import RosterTable

_PREVIEW = 5
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def show_preview(console: Console, report: ImportReport) -> None:
    """Print how the file was read, the first rows, findings and moves between groups."""
    console.print(_reading(report.table), highlight=False, markup=False)
    taken = report.table.columns.taken
    names = [title for kind in ("name", "first_name", "last_name") for title in taken.get(kind, [])]
    table = Table("row", "", _title("id", taken["student_id"]), _title("name", names))
    table.add_column(_title("groups", taken.get("groups", [])), overflow="fold")
    for column in table.columns:
        column.overflow = "fold"
    for row in report.rows[:_PREVIEW]:
        number = "" if row.row is None else str(row.row)
        groups = ", ".join(_group(report, group) for group in sorted(row.groups))
        table.add_row(number, row.action.value, escape(row.student_id), escape(row.name), escape(groups))
    console.print(table)
    if len(report.rows) > _PREVIEW:
        console.print(f"... and {len(report.rows) - _PREVIEW} more.", highlight=False)
    show_findings(console, report.findings)
    _show_moves(console, report)


def _group(report: ImportReport, group_id: GroupId) -> str:
    name = report.group_names.get(group_id, group_id)
    return group_id if name == group_id else f"{group_id} ({name})"


def _reading(table: RosterTable) -> str:
    titles = f"row {table.header_row} is the header"
    if table.sheet is not None:
        return f"Read the sheet {table.sheet} of the workbook; {titles}."
    delimiter = _DELIMITERS.get(table.delimiter or "", repr(table.delimiter))
    return f"Read as {table.encoding}, separated by {delimiter}; {titles}."


def _title(what: str, columns: list[str]) -> str:
    return escape(f"{what} ({' + '.join(columns)})" if columns and columns != [what] else what)


def _show_moves(console: Console, report: ImportReport) -> None:
    moves = []
    for row in report.rows:
        leaves = f"leaves {', '.join(sorted(row.leaves))}" if row.leaves else ""
        joins = f"joins {', '.join(sorted(row.joins))}" if row.joins else ""
        if row.action is RowAction.UPDATE and (leaves or joins):
            moves.append(f"{row.student_id} {', '.join(filter(None, (leaves, joins)))}")
    show_lines(console, moves)


def counts_text(report: ImportReport) -> str:
    """Return how many rows have each action."""
    words = {RowAction.ADD: "new", RowAction.UPDATE: "changed", RowAction.NOTHING: "as before"}
    return ", ".join(f"{report.count(action)} {word}" for action, word in words.items())
