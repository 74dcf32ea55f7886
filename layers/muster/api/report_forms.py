"""The formats that reports are answered in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel

from muster.api.problems import problems
from muster.domain.errors import InvalidRequest
from muster.reports.csv_file import Delimiter
from muster.reports.language import Language
from muster.reports.languages import LANGUAGES, accepted_language, language_of
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.page import PAGE_POLICY


class ReportFormat(StrEnum):
    """The formats of a report."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


_MEDIA_TYPES = {
    ReportFormat.JSON: "application/json",
    ReportFormat.CSV: "text/csv",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.HTML: "text/html",
}
FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report. CSV and XLSX are sent as attachments.",
        "content": {
            _MEDIA_TYPES[ReportFormat.CSV]: {
                "schema": {
                    "type": "string",
                    "description": 'UTF-8 with byte order mark. An id that looks like a number is written `="007"`, so '
                    "that a spreadsheet keeps its zeros. A name that looks like a formula starts with an apostrophe.",
                }
            },
            _MEDIA_TYPES[ReportFormat.XLSX]: {"schema": {"type": "string", "format": "binary"}},
            _MEDIA_TYPES[ReportFormat.HTML]: {
                "schema": {"type": "string", "description": "A printable page with a heat map of the period."}
            },
        },
    }
}

PROBLEMS = problems(401, 403, 404, 413, 422)

Day = Annotated[str | None, Query(json_schema_extra={"format": "date"}, examples=["2026-09-01"])]
DelimiterQuery = Annotated[
    Delimiter,
    Query(description="Of CSV. German or French Excel needs `semicolon`, with decimal commas."),
]


PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of answers that contain names of students, which no shared cache may keep."""


def _page_language(
    language: Annotated[
        str | None,
        Query(
            description="Of HTML: `en`, `de`, `hi` or `ar`, also with a region; default: `Accept-Language`.",
            examples=["de"],
        ),
    ] = None,
    accept_language: Annotated[str, Header(include_in_schema=False)] = "",
) -> Language:
    if language is None:
        return accepted_language(accept_language)
    found = language_of(language)
    if found is None:
        raise InvalidRequest(f"There are no pages in the language {language[:20]!r}. Use {', '.join(LANGUAGES)}.")
    return found


PageLanguage = Annotated[Language, Depends(_page_language)]
"""The language of HTML pages; the other formats are for programs, and stay English."""


class Files(Protocol):
    """A report in each of its formats."""

    def json(self) -> str:
        """Return the document."""

    def csv(self, delimiter: Delimiter) -> bytes:
        """Return the main table."""

    def xlsx(self) -> bytes:
        """Return a workbook."""

    def html(self) -> str:
        """Return a printable page."""


def answer(files: Files, stem: str, form: ReportFormat, delimiter: Delimiter) -> Response:
    """Answer with a report in one format; `stem` is the file name without extension."""
    content: str | bytes
    match form:
        case ReportFormat.JSON:
            content = files.json()
        case ReportFormat.CSV:
            content = files.csv(delimiter)
        case ReportFormat.XLSX:
            content = files.xlsx()
        case ReportFormat.HTML:
            content = files.html()
    headers = dict(PRIVATE)
    if form is not ReportFormat.JSON:
        where = "inline" if form is ReportFormat.HTML else "attachment"
        headers["Content-Disposition"] = f'{where}; filename="{stem}.{form}"'
    if form is ReportFormat.HTML:
        headers["Content-Security-Policy"] = PAGE_POLICY
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[form])


@dataclass(frozen=True, slots=True)
class ListingFiles:
    """A report that consists of tables, in each of its formats.

    Attributes:
        listing: makes the tables with texts of a language.
        language: of the page; files for programs are English.
        document: the JSON document.
        page: the HTML page; None makes one of the tables.
    """

    listing: Callable[[Language], Listing]
    document: BaseModel
    language: Language
    page: Callable[[Language], str] | None = None

    def json(self) -> str:
        """Return the document."""
        return self.document.model_dump_json()

    def csv(self, delimiter: Delimiter) -> bytes:
        """Return the first table."""
        return self.listing(ENGLISH).csv(delimiter)

    def xlsx(self) -> bytes:
        """Return all tables."""
        return self.listing(ENGLISH).xlsx()

    def html(self) -> str:
        """Return the page."""
        return self.listing(self.language).html() if self.page is None else self.page(self.language)


def answer_listing(files: ListingFiles, form: ReportFormat, delimiter: Delimiter) -> Response:
    """Answer with a report that consists of tables."""
    return answer(files, files.listing(ENGLISH).stem, form, delimiter)
