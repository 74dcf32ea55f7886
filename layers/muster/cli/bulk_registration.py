"""`muster students register`: many students at once, from photos named by their ids."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_bulk_registration
from muster.cli.output import DataOption, JsonOption, counter, emit
from muster.domain.identifiers import parse_group_id

if TYPE_CHECKING:
    from muster.services.registering.bulk import NamedPhoto, PhotoReport

_INTERRUPTED = 130
"""Exit status of a program that Ctrl+C ended, as shells have it."""


def register_photos(
    photos: Annotated[Path, typer.Argument(exists=True, readable=True, help="A folder, or a ZIP archive.")],
    consent: Annotated[bool, typer.Option("--consent", help="Everyone in the photos has given consent.")] = False,
    group: Annotated[list[str] | None, typer.Option(help="Only students of this group; may be repeated.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register students on the roster from photos named by their ids, such as 0042.jpg.

    On a stage, the photos are uploaded a few at a time, and the command waits until they are read. A refused photo does
    not stop the others, and a repeated run sends only photos of students who are not registered yet. The exit status is
    1 if any photo was refused or not answered.
    """
    from muster.api.schemas.registration import PhotoReportDocument
    from muster.services.registering.bulk import PhotoResult, photos_of_archive, photos_of_folder

    groups = frozenset(map(parse_group_id, group or []))
    reports: list[PhotoReport] = []
    interrupted = False
    with ExitStack() as stack:
        if photos.is_dir():
            found = photos_of_folder(photos)
        else:
            found = photos_of_archive(stack.enter_context(photos.open("rb")))
        bulk = open_bulk_registration(data)
        try:
            with counter("Registering", len(found)) as advance:
                for report in bulk.run(found, consent, groups):
                    reports.append(report)
                    advance()
        except KeyboardInterrupt:
            interrupted = True
            reports += _not_reached(found, reports)
    emit(
        [PhotoReportDocument.of(report).model_dump(mode="json") for report in reports],
        as_json,
        lambda console: _show(console, reports),
    )
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if any(report.result in (PhotoResult.REFUSED, PhotoResult.UNANSWERED) for report in reports):
        raise typer.Exit(1)


def _not_reached(found: "list[NamedPhoto]", reports: "list[PhotoReport]") -> "list[PhotoReport]":
    from muster.services.registering.bulk import PhotoReport, PhotoResult, named_student

    left = Counter(photo.name for photo in found)
    left.subtract(report.name for report in reports)
    detail = "The command was interrupted: run it again."
    return [
        PhotoReport(name, named_student(name), PhotoResult.UNANSWERED, code="interrupted", detail=detail)
        for name in left.elements()
    ]


def _show(console: Console, reports: "list[PhotoReport]") -> None:
    from muster.services.registering.bulk import PhotoResult

    refused = [report for report in reports if report.result is PhotoResult.REFUSED]
    unanswered = [report for report in reports if report.result is PhotoResult.UNANSWERED]
    noticed = [report for report in reports if report.code is not None and report not in [*refused, *unanswered]]
    if refused or noticed:
        table = Table("photo", "code", "what to do")
        for report in [*refused, *noticed]:
            table.add_row(escape(report.name), report.code, escape(report.detail or ""))
        console.print(table)
    # Most of them have one cause.
    for (code, detail), number in Counter((report.code, report.detail) for report in unanswered).items():
        console.print(f"[yellow]{code}[/] ({number} photos): {escape(detail or '')}", soft_wrap=True, highlight=False)
    counts = Counter(report.result for report in reports)
    more = f", {len(unanswered)} not answered" if unanswered else ""
    console.print(
        f"[green]{counts[PhotoResult.REGISTERED]} registered[/], {counts[PhotoResult.REPEATED]} registered before, "
        f"{len(refused)} refused{more}."
    )
