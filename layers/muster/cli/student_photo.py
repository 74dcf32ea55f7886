"""`muster students photo`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.local import LocalBackend
from muster.domain.actor import OPERATOR
from muster.domain.identifiers import parse_student_id
from muster.domain.registration import NewPhoto


def replace_photo(
    student_id: Annotated[str, typer.Argument(help="The registered student.")],
    photo: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The new photo.")],
    allow_lookalike: Annotated[
        bool, typer.Option("--allow-lookalike", help="Replace even if the face resembles another student's.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace the photo of a registered student. Consent, groups and marks stay.

    The previous photo, its template and the faces that it learned are deleted.
    """
    from muster.api.schemas.registration import RegisteredDocument
    from muster.services.registering.replacement import PhotoReplacement

    details = NewPhoto(parse_student_id(student_id), allow_lookalike=allow_lookalike)
    replacement = PhotoReplacement(LocalBackend(data).services.registration)
    replaced = replacement.replace(details, photo.read_bytes(), OPERATOR)
    student = replaced.student

    def show(console: Console) -> None:
        if replaced.repeated:
            console.print(f"{escape(student.name)} ({student.id}) is registered with this photo already.")
        else:
            console.print(
                f"[green]Replaced[/] the photo of {escape(student.name)} ({student.id}), "
                f"photo quality {replaced.quality:.0%}."
            )
        for warning in replaced.warnings:
            console.print(f"[yellow]{warning.value}[/]: {warning.detail}")

    emit(RegisteredDocument.of_registered(replaced).model_dump(mode="json"), as_json, show)
