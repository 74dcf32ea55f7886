"""Warnings about registration photos that are accepted."""

from enum import StrEnum


class PhotoWarning(StrEnum):
    """A stable code, like that of an error: codes are added, never renamed."""

    PHOTO_TURNED = "photo_turned"
    MOUTH_COVERED = "mouth_covered"
    EYES_COVERED = "eyes_covered"
    FACE_PARTLY_COVERED = "face_partly_covered"

    @property
    def detail(self) -> str:
        """One sentence with advice for the person."""
        return _DETAILS[self]


_DETAILS = {
    PhotoWarning.PHOTO_TURNED: "The photo was not upright and was turned before it was read: check that it is right.",
    PhotoWarning.MOUTH_COVERED: "Mouth or nose seem to be covered: with a photo of the bare face the student is "
    "recognised more often without a question.",
    PhotoWarning.EYES_COVERED: "The eyes seem to be covered: with a photo without dark glasses the student is "
    "recognised more often without a question.",
    PhotoWarning.FACE_PARTLY_COVERED: "A part of the face seems to be covered or outside the picture: with a photo of "
    "the whole face the student is recognised more often without a question.",
}
