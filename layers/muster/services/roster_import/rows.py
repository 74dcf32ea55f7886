"""One row of a roster file as one student."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from muster.services.roster.names import clean_name
from muster.services.roster_import.cells import Cell, CellKind
from muster.services.roster_import.columns import Columns, cell_at
from muster.services.roster_import.findings import Finding, shorten


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One student of the file, as written.

    Attributes:
        number: of the row as a spreadsheet shows it.
        groups: the groups named, which `;`, `,`, `|` or line ends separate.
        findings: cells that do not hold what was typed.
        numeric_id: the id is a number in a spreadsheet, so leading zeros may have been lost.
        numeric_group: a group is a number in a spreadsheet.
    """

    number: int
    student_id: str
    name: str
    groups: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    numeric_id: bool = False
    numeric_group: bool = False


_TOTALS = re.compile(
    r"(?:grand\s+)?(?:total|totals|totaal|totale|sum|summe|gesamt|insgesamt|anzahl|count|suma|somme|effectif|razem|итого|всего"
    r"|合計|总计|計)\b.*",
    re.IGNORECASE | re.DOTALL,
)
# Letters, and something that no id has.
_MAX_NOTE = 200
_NOTE = re.compile(r"[^\W\d_].*[\s:]|[\s:].*[^\W\d_]")
_SEPARATORS = re.compile(r"[;,|\r\n]")
# Our CSV files write an apostrophe where a formula could begin (`reports/csv_file.py`).
_APOSTROPHE = re.compile(r"(?:^|(?<=[;,|\"']))'(?=\s*[=+\-@\t\r\n＝＋－＠])")

_FAULTS = {
    CellKind.FORMULA: ("formula_cell", "holds a formula, {value}: paste its value instead."),
    CellKind.ERROR: ("error_cell", "holds the error {value} instead of a value: correct it in the spreadsheet."),
    CellKind.DATE: (
        "date_cell",
        "is the date {value}, which a spreadsheet makes of entries such as 7-2 or 10/3: format the column as text and "
        "write the entry again.",
    ),
    CellKind.LONG_NUMBER: (
        "shortened_number",
        "holds {value}, a long number whose last digits the spreadsheet dropped: format the column as text and write "
        "the number again.",
    ),
}


def read_row(number: int, cells: Sequence[Cell], columns: Columns) -> RosterRow:
    """Read one row, its name joined from both halves where the file has two columns."""
    used = (columns.id, *columns.names, *columns.groups)
    name = " ".join(filter(None, (_APOSTROPHE.sub("", cell_at(cells, at).text) for at in columns.names)))
    groups = (part for at in columns.groups for part in _SEPARATORS.split(cell_at(cells, at).text))
    return RosterRow(
        number=number,
        student_id=clean_name(cell_at(cells, columns.id).text),
        name=name,
        groups=tuple(dict.fromkeys(filter(None, map(clean_name, groups)))),
        findings=(*_faults(number, cells, columns, used), *_wrongly_decoded(number, name, columns)),
        numeric_id=cell_at(cells, columns.id).kind is CellKind.NUMBER,
        numeric_group=any(cell_at(cells, at).kind is CellKind.NUMBER for at in columns.groups),
    )


def is_footer(cells: Sequence[Cell], columns: Columns) -> bool:
    """Return whether a row below the students is a total or a note rather than a student."""
    texts = [cell.text for cell in cells if cell.text]
    names = [cell_at(cells, at).text for at in columns.names]
    is_total = bool(texts) and _TOTALS.fullmatch(texts[0]) is not None
    if len(texts) == 1:
        return is_total or (not any(names) and _NOTE.search(texts[0][:_MAX_NOTE]) is not None)
    return is_total and (not cell_at(cells, columns.id).text or not any(name and not name.isdigit() for name in names))


def _faults(number: int, cells: Sequence[Cell], columns: Columns, used: Sequence[int]) -> Iterator[Finding]:
    for at in dict.fromkeys(used):
        cell = cell_at(cells, at)
        if cell.kind not in _FAULTS:
            continue
        code, sentence = _FAULTS[cell.kind]
        value, title = shorten(cell.text), columns.title(at)
        yield Finding(number, code, f"The cell {sentence.format(value=value)}", column=title, value=value)


def _wrongly_decoded(number: int, name: str, columns: Columns) -> Iterator[Finding]:
    """Find UTF-8 that another program read as Windows-1252 and saved: `MÃ¼ller`."""
    try:
        meant = name.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return
    if meant != name:
        detail = f"The name {shorten(name)} was decoded wrongly before it was saved; it may be {shorten(meant)}."
        title = columns.title(columns.names[0])
        yield Finding(number, "decoded_wrongly", f"{detail} Export it again as UTF-8.", column=title, value=name)
