"""`muster sessions questions` and `confirm`: likely matches for a person to confirm."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_backend, open_records
from muster.cli.naming import GroupOption, SessionArgument, find_face, find_session
from muster.cli.output import DataOption, JsonOption, counter, emit
from muster.cli.session_output import emit_session, local_user
from muster.domain.corrections import MAX_CONFIRMED_FACES
from muster.domain.errors import InvalidRequest, PhotoNotFound, ProposalChanged
from muster.domain.identifiers import FaceId, SessionId, StudentId
from muster.reports.wording import percent
from muster.services.roll_call.sessions import Sessions

if TYPE_CHECKING:
    from muster.services.photos.session_pictures import SessionPictures


def questions(
    session: SessionArgument,
    output: Annotated[Path | None, typer.Option(help="Write the faces as pictures into this folder.")] = None,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the open questions of a session, one per student to review, the likeliest first.

    Answer with `muster sessions confirm SESSION FACE...`, or `muster sessions name SESSION FACE STUDENT`.
    """
    backend = open_backend(data)
    identifier = find_session(backend.on_demand, session, group)
    found = backend.on_demand.sessions.questions(identifier)
    pictures: dict[FaceId, str] = {}
    if output is not None and found:
        pictures = _write_pictures(
            output, identifier, [question.face.face_id for question in found], backend.session_pictures
        )
    document = [
        {
            "face_id": question.face.face_id,
            "photo_id": question.photo_id,
            "settles": True,
            "probability": question.probability,
            "likely": question.likely,
            "candidates": [
                {"student_id": candidate.student.id, "name": candidate.student.name, "similarity": candidate.similarity}
                for candidate in question.suggestions
            ],
            "picture": pictures.get(question.face.face_id),
        }
        for question in found
    ]

    def show(console: Console) -> None:
        if not found:
            console.print("There are no open questions.")
            return
        table = Table("face", "may be", "probability", *(["picture"] if pictures else []))
        for question in found:
            students = [candidate.student for candidate in question.suggestions]
            names = ", ".join(f"{escape(student.name)} ({student.id})" for student in students)
            picture = [escape(pictures.get(question.face.face_id, ""))] if pictures else []
            table.add_row(question.face.face_id, names, percent(question.probability), *picture)
        console.print(table)
        if output is None:
            console.print("Add --output FOLDER to see the faces as pictures.")

    emit(document, as_json, show)


def confirm(
    session: SessionArgument,
    faces: Annotated[list[str] | None, typer.Argument(help="Ids of faces, or the beginnings of them.")] = None,
    all_questions: Annotated[bool, typer.Option("--all", help="Confirm every open question.")] = False,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm that faces show the students proposed for them, all or none, and update the marks."""
    if bool(faces) == all_questions:
        raise InvalidRequest("Give the faces to confirm, or --all to confirm every open question.")
    records = open_records(data)
    sessions = records.sessions
    identifier = find_session(records, session, group)
    if all_questions:
        proposals = _open_proposals(sessions, identifier)
    else:
        chosen = [find_face(sessions, face, identifier) for face in faces or ()]
        proposals = _proposals(sessions, identifier, chosen)
    pairs = list(proposals.items())
    # A store confirms a limited number in one step.
    size = MAX_CONFIRMED_FACES if all_questions else max(1, len(pairs))
    for start in range(0, len(pairs), size):
        records.corrections.confirm(identifier, dict(pairs[start : start + size]), local_user())
    emit_session(sessions, identifier, as_json)


def _open_proposals(sessions: Sessions, session_id: SessionId) -> dict[FaceId, StudentId]:
    return {
        question.face.face_id: question.face.student_id
        for question in sessions.questions(session_id)
        if question.face.student_id in {candidate.student.id for candidate in question.suggestions}
    }


def _proposals(sessions: Sessions, session_id: SessionId, chosen: Sequence[FaceId]) -> dict[FaceId, StudentId]:
    named = {face.face_id: face.student_id for photo in sessions.get(session_id).photos for face in photo.faces}
    proposals = {}
    for face_id in chosen:
        student_id = named.get(face_id)
        if student_id is None:
            raise ProposalChanged(f"Nobody is proposed for the face {face_id}: name it with `muster sessions name`.")
        proposals[face_id] = student_id
    return proposals


def _write_pictures(
    folder: Path, session_id: SessionId, faces: list[FaceId], pictures: "SessionPictures"
) -> dict[FaceId, str]:
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    with counter("Cutting out faces", len(faces)) as advance:
        for face in faces:
            try:
                content = pictures.face(session_id, face)
            except PhotoNotFound:
                # The question can still be answered without the picture.
                continue
            finally:
                advance()
            target = folder / f"{face}.jpg"
            target.write_bytes(content)
            written[face] = str(target)
    return written
