"""Reports that consist of a few tables, and their CSV, XLSX and HTML formats."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from html import escape

from muster.reports.csv_file import Delimiter, csv_of
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.page import page, table_of
from muster.reports.table import ColumnKind, ReportTable, Value
from muster.reports.xlsx_file import workbook_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A report in tables.

    Attributes:
        stem: file name without extension.
        title: what the report is about.
        setting: period and time zone, in one sentence.
        tables: at least one; CSV has only the first.
        remarks: sentences about what the figures exclude.
        meanings: what the figures mean, by their names.
        language: of the texts, and of the page; names of tables and columns are English and translated on the page.
    """

    stem: str
    title: str
    setting: str
    tables: tuple[ReportTable, ...]
    remarks: tuple[str, ...] = ()
    meanings: tuple[tuple[str, str], ...] = ()
    language: Language = ENGLISH

    def csv(self, delimiter: Delimiter = Delimiter.COMMA) -> bytes:
        """Return the first table as CSV."""
        return csv_of(self.tables[0], delimiter)

    def xlsx(self) -> bytes:
        """Return all tables as a workbook, with an explanation of the figures."""
        about = [("report", self.title), ("period", self.setting), *self.meanings]
        return workbook_of(self.tables, [*about, *(("remark", text) for text in self.remarks)])

    def html(self) -> str:
        """Return all tables as a printable page, with rates as bars."""
        return page(self.title, escape(self.title), self.setting, "".join(self._body()), language=self.language)

    def _body(self) -> Iterator[str]:
        for text in self.remarks:
            yield f"<p>{escape(text)}</p>"
        for table in self.tables:
            yield f"<h2>{escape(_translated(f'table.{table.name}', table.name, self.language))}</h2>"
            if not table.rows:
                yield f"<p>{self.language.text('none')}</p>"
                continue
            kinds = [column.kind for column in table.columns]
            language = self.language
            rows = (
                [_cell(value, kind, language) for value, kind in zip(row, kinds, strict=True)] for row in table.rows
            )
            yield table_of([escape(_heading(column.title, language)) for column in table.columns], rows)
        for name, meaning in self.meanings:
            text = _translated(f"meaning.{name}", meaning, self.language)
            yield f'<p class="quiet">{escape(_heading(name, self.language))}: {escape(text)}</p>'


def _translated(key: str, text: str, language: Language) -> str:
    """Return the language's text; one that the report made itself, such as the name of a subject, stays."""
    return language.text(key) if language.has(key) else text


def _heading(title: str, language: Language) -> str:
    words = title.replace("_", " ")
    return _translated(f"column.{title}", words[:1].upper() + words[1:], language)


def _cell(value: Value, kind: ColumnKind, language: Language) -> str:
    if value is None:
        return ""
    if kind is ColumnKind.RATE and isinstance(value, float | int):
        # A bar is read faster than a number, and the number stands beside it for print and for screen readers.
        return f'<span class="bar"><span style="width:{value:.1%}"></span></span> {language.percentage(float(value))}'
    if kind is ColumnKind.TEXT:
        return f"<bdi>{escape(str(value))}</bdi>"
    if isinstance(value, date):
        return language.date(value)
    return language.number(value) if kind is ColumnKind.COUNT and isinstance(value, int) else escape(str(value))
