"""Notices about photos that were read without an error."""

from dataclasses import dataclass

from muster.domain.attendance import SessionPhoto
from muster.domain.faces import Decision


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice about a photo: a stable code, and one sentence with advice."""

    code: str
    message: str


NO_FACE_FOUND = Notice("no_face_found", "No face was found: take the photo again.")
NOBODY_OF_GROUP = Notice("nobody_of_group", "Nobody of this group is in this photo: wrong group?")


def notices_for(photo: SessionPhoto) -> tuple[Notice, ...]:
    """Return the notices that follow from the present names of a photo's faces."""
    if not photo.faces:
        return (NO_FACE_FOUND,)
    return (NOBODY_OF_GROUP,) if shows_nobody(photo) else ()


def shows_nobody(photo: SessionPhoto) -> bool:
    """Return whether a photo shows nobody of the group, not even probably."""
    return all(face.decision is Decision.UNKNOWN for face in photo.faces)
