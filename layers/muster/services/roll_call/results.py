"""The result of a roll call, in a module that does not import the vision libraries."""

from dataclasses import dataclass

from muster.domain.attendance import Mark, Session, SessionPhoto
from muster.domain.identifiers import PackId, StudentId


@dataclass(frozen=True, slots=True)
class RollCallResult:
    """The result of one roll call request.

    Attributes:
        session: opened by this request or an earlier one.
        photos: the photos of this request as it stored them, in the order sent. A correction made at the same time
            shows in the marks only.
        marks: the session's marks as people see them, with those from its earlier photos.
        taken: whether the roll call counts as taken; if not, nobody is absent.
        by_people: students whose mark a person set or caused.
        names: of every student named in photos or marks.
        head: number of the head used, or None if there is none.
        timings_ms: milliseconds per step, summed over the photos.
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
