"""`muster students learned-faces` and `muster students forget-faces`."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records, store_name
from muster.cli.confirmation import confirm
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.identifiers import FaceId, UserId, parse_student_id
from muster.domain.student import LearnedFace


def list_learned_faces(
    student_id: Annotated[str, typer.Argument(help="The student whose learned faces are listed.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the faces that a student's template learned from, with the roll call that each came from."""
    from muster.api.schemas.learned_faces import LearnedFacesDocument

    identifier = parse_student_id(student_id)
    records = open_records(data)
    faces = records.roster.learned_faces(identifier)
    users = records.people.names({face.by for face in faces if face.by is not None})
    document = LearnedFacesDocument.of(identifier, faces, None, users)

    def show(console: Console) -> None:
        if not faces:
            console.print(f"The template of {identifier} comes from the registration photo only.")
            return
        table = Table("face", "session", "group", "learned", "how")
        for face in faces:
            day = "" if face.learned_at is None else f"{face.learned_at:%Y-%m-%d}"
            table.add_row(
                *map(escape, (face.face_id, face.session_id or "", face.group_id or "", day, _how(face, users)))
            )
        console.print(table)
        console.print(f"Remove one with `muster students forget-faces {identifier} FACE`, or all without FACE.")

    emit(document.model_dump(mode="json"), as_json, show)


def forget_faces(
    student_id: Annotated[str, typer.Argument(help="The student whose learned faces are removed.")],
    face: Annotated[str | None, typer.Argument(help="One learned face; all of them by default.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove one or all of the faces that a student's template learned from; the registration photo's part stays."""
    identifier = parse_student_id(student_id)
    if face is None:
        confirm(f"Remove every learned face of {identifier} from {store_name(data)} for good?", yes)
    removed = open_records(data).roster.forget_faces(identifier, None if face is None else FaceId(face))
    emit(
        {"student_id": identifier, "removed": removed},
        as_json,
        lambda console: console.print(
            f"{removed} learned {'face' if removed == 1 else 'faces'} of {identifier} removed."
        ),
    )


def _how(face: LearnedFace, users: Mapping[UserId, str]) -> str:
    if face.automatic:
        return "automatically"
    return "confirmed" if face.by is None else f"confirmed by {users.get(face.by, face.by)}"
