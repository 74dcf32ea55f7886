"""What a person should be told about a photo that was read without an error."""

from dataclasses import dataclass

from muster.domain.attendance import SessionPhoto
from muster.domain.faces import Decision


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark on a photo: a stable code, and one sentence that says what to do."""

    code: str
    message: str


NO_FACE_FOUND = Notice("no_face_found", "No face was found: take the photo again.")
NOBODY_OF_GROUP = Notice("nobody_of_group", "Nobody of this group is in this photo: wrong group?")


def notices_for(photo: SessionPhoto) -> tuple[Notice, ...]:
    """Return the notices that follow from a photo's faces as they are named now."""
    if not photo.faces:
        return (NO_FACE_FOUND,)
    return (NOBODY_OF_GROUP,) if shows_nobody(photo) else ()


def shows_nobody(photo: SessionPhoto) -> bool:
    """Tell whether a photo shows nobody of the group, not even probably."""
    return all(face.decision is Decision.UNKNOWN for face in photo.faces)
