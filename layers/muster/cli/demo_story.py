"""The result of the demo in the words of a teacher."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.marks import faces_text, photos_text, status_text
from muster.domain.attendance import MarkStatus
from muster.domain.faces import Decision
from muster.services.roll_call.results import RollCallResult


def show_story(console: Console, detection: RollCallResult) -> None:
    """Print the marks as a table, then who is missing and which faces belong to nobody in the class."""
    table = Table("student", "mark", title="The register")
    for mark in detection.marks:
        table.add_row(escape(detection.names.get(mark.student_id, mark.student_id)), status_text(mark.status))
    console.print(table)
    for line in story(detection):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def story(detection: RollCallResult) -> list[str]:
    """Return what the photos say about the class, one sentence per line."""
    faces = [face for photo in detection.photos for face in photo.faces]
    present, absent, review = (_names(detection, status) for status in _SHOWN)
    visitors = sum(face.decision is Decision.UNKNOWN for face in faces)
    lines = [
        f"{faces_text(len(faces))} in {photos_text(len(detection.photos))}. "
        f"{len(present)} of {len(detection.marks)} students {'is' if len(present) == 1 else 'are'} present."
    ]
    if absent:
        lines.append(f"Absent, because no face is theirs: {', '.join(absent)}.")
    if review:
        lines.append(f"Not sure enough to mark, so the teacher is asked: {', '.join(review)}.")
    if visitors:
        verbs = ("belongs", "gets") if visitors == 1 else ("belong", "get")
        lines.append(f"{faces_text(visitors)} {verbs[0]} to nobody in the class and {verbs[1]} no name.")
    return lines


_SHOWN = (MarkStatus.PRESENT, MarkStatus.ABSENT, MarkStatus.REVIEW)


def _names(detection: RollCallResult, status: MarkStatus) -> list[str]:
    marked = [mark.student_id for mark in detection.marks if mark.status is status]
    return [detection.names.get(student, student) for student in marked]
