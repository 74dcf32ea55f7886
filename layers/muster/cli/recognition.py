"""`muster register` and `muster detect`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.marks import faces_text, photos_text, status_text
from muster.cli.naming import LAST, SessionServices, find_session
from muster.cli.output import DataOption, JsonOption, emit, stderr
from muster.composition.local import LocalBackend
from muster.domain.actor import OPERATOR
from muster.domain.faces import Decision
from muster.domain.identifiers import SessionId, parse_group_id, parse_session_id, parse_student_id
from muster.domain.notices import notices_for, shows_nobody
from muster.domain.registration import RegistrationDetails
from muster.services.roll_call.questions import questions_of
from muster.services.roll_call.results import RollCallResult

VerboseOption = Annotated[bool, typer.Option("--verbose", help="Also show similarities and the model in use.")]
PhotoArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The photo.")]


def register(
    photo: PhotoArgument,
    student_id: Annotated[str, typer.Option("--id", help="The student's id.")],
    name: Annotated[str, typer.Option(help="The student's name.")],
    group: Annotated[list[str], typer.Option(help="A group that the student belongs to; may be repeated.")],
    consent: Annotated[bool, typer.Option("--consent", help="The student, or a guardian, has given consent.")] = False,
    renew_consent: Annotated[
        bool, typer.Option("--renew-consent", help="Consent was withdrawn and has been given again.")
    ] = False,
    allow_lookalike: Annotated[
        bool, typer.Option("--allow-lookalike", help="Register even if the face resembles another student's.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register one student from one photo."""
    from muster.api.schemas.registration import RegisteredDocument

    details = RegistrationDetails(
        student_id=parse_student_id(student_id),
        name=name,
        group_ids=frozenset(map(parse_group_id, group)),
        consent=consent,
        renew_consent=renew_consent,
        allow_lookalike=allow_lookalike,
    )
    registered = LocalBackend(data).services.registration.register(details, photo.read_bytes(), OPERATOR)
    student = registered.student

    def show(console: Console) -> None:
        if registered.repeated:
            console.print(f"{escape(student.name)} ({student.id}) is registered with this photo already.")
        else:
            console.print(
                f"[green]Registered[/] {escape(student.name)} ({student.id}), photo quality {registered.quality:.0%}."
            )
        for warning in registered.warnings:
            console.print(f"[yellow]{warning.value}[/]: {warning.detail}")

    emit(RegisteredDocument.of_registered(registered).model_dump(mode="json"), as_json, show)


def detect(
    photos: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="1 to 10 photos.")],
    group: Annotated[str, typer.Option(help="The group whose session this is.")],
    session: Annotated[
        str | None, typer.Option(help="Add the photos to this session, or to the group's `last`; default: a new one.")
    ] = None,
    use_anyway: Annotated[
        bool, typer.Option("--use-anyway", help="Read photos even if they seem to belong to another roll call.")
    ] = False,
    annotate: Annotated[Path | None, typer.Option(help="Write the annotated photos into this folder.")] = None,
    verbose: VerboseOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read photos of a group and mark the students who are present.

    The exit status is 1 if no photo shows a student of the group.
    """
    from muster.api.schemas.roll_call import DetectDocument

    system = LocalBackend(data).services
    detection = system.detection.detect(
        parse_group_id(group),
        [photo.read_bytes() for photo in photos],
        _session(system, session, group),
        use_anyway=use_anyway,
    )
    document = DetectDocument.of(detection).model_dump(mode="json")
    written = []
    if annotate is not None:
        annotate.mkdir(parents=True, exist_ok=True)
        for source, photo in zip(photos, detection.photos, strict=True):
            target = annotate / f"{source.stem}-annotated.jpg"
            target.write_bytes(system.session_pictures.annotated(detection.session.id, photo.id))
            written.append(str(target))
        document["annotated"] = written
    here = detection.session
    recent = [other.id for other in system.sessions.recent(here.group_id) if other.id != here.id]
    document["recent_sessions"] = recent
    emit(document, as_json, lambda console: show_detection(console, detection, written, photos, verbose=verbose))
    if recent and session is None:
        show_recent(stderr, detection, recent[0])
    if all(map(shows_nobody, detection.photos)):
        raise typer.Exit(1)


def _session(records: SessionServices, text: str | None, group: str) -> SessionId | None:
    # Any other text can be the id of a new session, so it is not looked up as the beginning of an id.
    if text == LAST:
        return find_session(records, text, group)
    return parse_session_id(text) if text else None


def show_recent(console: Console, detection: RollCallResult, other: SessionId) -> None:
    """Point out that another roll call of the group began recently, and how to add the photos to it."""
    group, here = detection.session.group_id, detection.session.id
    console.print(
        f"Another roll call of {group} began less than 15 minutes ago. To add these photos to it instead:\n"
        f"  muster sessions remove {here}\n"
        f"  muster detect PHOTO... --group {group} --session {other}",
        soft_wrap=True,
        highlight=False,
    )


def show_detection(
    console: Console,
    detection: RollCallResult,
    annotated: Sequence[str],
    sources: Sequence[Path],
    *,
    verbose: bool = False,
) -> None:
    """Print the marks, the open questions and the number of strangers.

    Args:
        sources: the files of the photos, in the same order.
    """
    faces = [face for photo in detection.photos for face in photo.faces]
    similarity = {
        face.student_id: max(face.similarity or 0.0, 0.0) for face in faces if face.decision is Decision.PRESENT
    }
    table = Table(
        "student", "name", "status", *(["similarity"] if verbose else []), title=f"Group {detection.session.group_id}"
    )
    for mark in detection.marks:
        seen = [f"{similarity[mark.student_id]:.2f}" if mark.student_id in similarity else ""] if verbose else []
        name = escape(detection.names.get(mark.student_id, ""))
        table.add_row(mark.student_id, name, status_text(mark.status), *seen)
    if detection.marks:
        console.print(table)
    _show_questions(console, detection, sources)
    _show_notices(stderr, detection, sources)
    strangers = sum(face.decision is Decision.UNKNOWN for face in faces)
    console.print(f"{faces_text(len(faces))} in {photos_text(len(detection.photos))}, {strangers} not recognised.")
    console.print(f"Session {detection.session.id}", soft_wrap=True, highlight=False)
    if verbose:
        trained = f"training {detection.head}" if detection.head is not None else "no training"
        console.print(f"Recognised with the model pack {detection.pack} and {trained}.", highlight=False)
    for path in annotated:
        console.print(f"annotated photo: {path}", soft_wrap=True, highlight=False)


def _show_questions(console: Console, detection: RollCallResult, sources: Sequence[Path]) -> None:
    """Print one line per question, with the photo and the command that confirms it."""
    files = {photo.id: source.name for photo, source in zip(detection.photos, sources, strict=True)}
    questions = questions_of(detection.photos, detection.marks, {})
    for question in questions:
        student, face = question.face.student_id, question.face
        name = detection.names.get(student, "") if student is not None else ""
        console.print(
            f"[magenta]to review[/]: {escape(files[question.photo_id])}: is the face at {face.box[:2]} "
            f"{escape(name)} ({student})? If so: "
            f"muster sessions confirm {detection.session.id} {face.face_id}",
            soft_wrap=True,
            highlight=False,
        )
    if len(questions) > 1:
        console.print(
            f"To confirm all of them: muster sessions confirm {detection.session.id} --all",
            soft_wrap=True,
            highlight=False,
        )


def _show_notices(console: Console, detection: RollCallResult, sources: Sequence[Path]) -> None:
    for photo, source in zip(detection.photos, sources, strict=True):
        messages = [notice.message for notice in notices_for(photo)]
        if photo.turned:
            messages.append(f"The photo was not upright. It was turned by {photo.turned} degrees clockwise.")
        for message in messages:
            console.print(f"[yellow]{escape(source.name)}[/]: {message}", soft_wrap=True, highlight=False)
    if not detection.taken:
        console.print(
            "The roll call is not taken yet: no student of the group was recognised, so nobody is marked absent."
        )
