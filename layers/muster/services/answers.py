"""What the use cases answer, apart from them: whoever reads an answer back needs no vision."""

from dataclasses import dataclass

from muster.domain.attendance import Mark, Session, SessionPhoto
from muster.domain.identifiers import PackId, StudentId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.student import Student


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer to a registration.

    Attributes:
        quality: of the photo, 0 to 1; None where the same request had been done before.
        repeated: whether it had been.
        warnings: what is to be said of the photo.
    """

    student: Student
    quality: float | None
    repeated: bool
    warnings: tuple[PhotoWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """The answer to one roll call.

    Attributes:
        session: opened by this call or before.
        photos: the photos of this call, in the order sent.
        marks: those that people see of the session, its earlier photos included.
        taken: whether the session is taken; if not, nobody is absent.
        by_people: students whose mark a person brought about.
        names: of every student named in photos or marks.
        head: number of the head that decided, or None for stage 1 alone.
        timings_ms: milliseconds a step, summed over the photos.
    """

    session: Session
    photos: tuple[SessionPhoto, ...]
    marks: tuple[Mark, ...]
    taken: bool
    by_people: frozenset[StudentId]
    names: dict[StudentId, str]
    pack: PackId
    head: int | None
    timings_ms: dict[str, float]
