"""Marks as text at the terminal."""

from collections.abc import Collection

from muster.domain.attendance import Mark, MarkSource, MarkStatus
from muster.domain.identifiers import StudentId
from muster.reports.wording import WORDS

STYLES = {
    MarkStatus.PRESENT: "green",
    MarkStatus.LATE: "yellow",
    MarkStatus.ABSENT: "bold red",
    MarkStatus.EXCUSED: "blue",
    MarkStatus.REVIEW: "magenta",
}


def status_text(status: MarkStatus) -> str:
    """Return a status in its colour, as console markup."""
    return f"[{STYLES[status]}]{WORDS[status]}[/]"


def marked_by(mark: Mark, by_people: Collection[StudentId]) -> str:
    """Return whether a photo or a person decided on a mark."""
    if mark.source is MarkSource.MANUAL:
        return "by hand"
    return "by hand (face)" if mark.student_id in by_people else "photo"


def details_text(mark: Mark) -> str:
    """Return the code, minutes and remark of a mark in one line; empty if it has none."""
    minutes = None if mark.minutes_late is None else f"{mark.minutes_late} min late"
    return ", ".join(part for part in (mark.code, minutes, mark.remark) if part)


def faces_text(number: int) -> str:
    """Return a number of faces in words."""
    return f"{number} face" if number == 1 else f"{number} faces"


def photos_text(number: int) -> str:
    """Return a number of photos in words."""
    return f"{number} photo" if number == 1 else f"{number} photos"
