"""`muster register` and `muster detect`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.naming import LAST, find_session
from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.local import open_local_system
from muster.domain.attendance import MarkStatus
from muster.domain.faces import Decision
from muster.domain.identifiers import SessionId, parse_group_id, parse_session_id, parse_student_id
from muster.services.answers import Detection
from muster.services.registration import RegistrationRequest

VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show figures of the recognition, too.")]
PhotoArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The photo.")]


def register(
    photo: PhotoArgument,
    student_id: Annotated[str, typer.Option("--id", help="The student's id.")],
    name: Annotated[str, typer.Option(help="The student's name.")],
    group: Annotated[list[str], typer.Option(help="A group the student belongs to; may be given several times.")],
    consent: Annotated[bool, typer.Option("--consent", help="The student (or guardian) agreed to it.")] = False,
    allow_lookalike: Annotated[
        bool, typer.Option("--allow-lookalike", help="Register although the face resembles another student's.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register one student from one photo."""
    from muster.api.schemas import RegisteredDocument

    request = RegistrationRequest(
        student_id=parse_student_id(student_id),
        name=name,
        group_ids=frozenset(parse_group_id(one) for one in group),
        consent=consent,
        image=photo.read_bytes(),
        allow_lookalike=allow_lookalike,
    )
    registered = open_local_system(data).registration.register(request)
    student = registered.student

    def show(console: Console) -> None:
        if registered.repeated:
            console.print(f"{escape(student.name)} ({student.id}) was registered with this photo before.")
        else:
            console.print(
                f"[green]Registered[/] {escape(student.name)} ({student.id}), photo quality {registered.quality:.0%}."
            )

    emit(RegisteredDocument.of_registered(registered).model_dump(mode="json"), as_json, show)


def detect(
    photos: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="1 to 10 photos.")],
    group: Annotated[str, typer.Option(help="The group whose session this is.")],
    session: Annotated[
        str | None, typer.Option(help="Add to this session, or to the `last` of the group; without it, open one.")
    ] = None,
    use_anyway: Annotated[
        bool, typer.Option("--use-anyway", help="Read photos although they seem to belong to another roll call.")
    ] = False,
    annotate: Annotated[Path | None, typer.Option(help="Write the annotated photos into this folder.")] = None,
    verbose: VerboseOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read photos of a group and mark who is present."""
    from muster.api.schemas import DetectDocument

    system = open_local_system(data)
    detection = system.detection.detect(
        parse_group_id(group),
        [photo.read_bytes() for photo in photos],
        _session(session, group, data),
        use_anyway=use_anyway,
        visible_groups=None,
    )
    document = DetectDocument.of(detection).model_dump(mode="json")
    written = []
    if annotate is not None:
        annotate.mkdir(parents=True, exist_ok=True)
        for source, photo in zip(photos, detection.photos, strict=True):
            target = annotate / f"{source.stem}-annotated.jpg"
            target.write_bytes(system.stores.sessions.annotated(detection.session.id, photo.id))
            written.append(str(target))
        document["annotated"] = written
    emit(document, as_json, lambda console: show_detection(console, detection, written, verbose=verbose))


def _session(text: str | None, group: str, data: Path | None) -> SessionId | None:
    # Another id than `last` may be that of a session to open, so no beginning of an id is looked up.
    if text == LAST:
        return find_session(text, group, data)
    return parse_session_id(text) if text else None


_STATUS_STYLE = {MarkStatus.PRESENT: "green", MarkStatus.ABSENT: "red"}


def show_detection(console: Console, detection: Detection, annotated: list[str], *, verbose: bool = False) -> None:
    """Print who is present, who is not, what to look at and who is a stranger."""
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
        table.add_row(mark.student_id, name, f"[{_STATUS_STYLE.get(mark.status, 'yellow')}]{mark.status}[/]", *seen)
    console.print(table)
    for face in (face for face in faces if face.decision is Decision.REVIEW):
        console.print(f"[yellow]to review[/]: is the face at {face.box[:2]} {face.student_id}?")
    strangers = sum(face.decision is Decision.UNKNOWN for face in faces)
    console.print(
        f"{_counted(len(faces), 'face')} in {_counted(len(detection.photos), 'photo')}, "
        f"{strangers} not registered in this group."
    )
    console.print(f"Session {detection.session.id}", soft_wrap=True, highlight=False)
    if verbose:
        head = f"head {detection.head}" if detection.head is not None else "no head"
        console.print(f"Decided with the model pack {detection.pack} and {head}.", highlight=False)
    for path in annotated:
        console.print(f"annotated photo: {path}", soft_wrap=True, highlight=False)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
