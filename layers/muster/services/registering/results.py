"""The result of a registration, in a module that does not import the vision libraries."""

from dataclasses import dataclass

from muster.domain.photo_warnings import PhotoWarning
from muster.domain.student import Student


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The result of a registration.

    Attributes:
        quality: of the photo, 0 to 1; None if the request repeats an earlier one.
        repeated: whether the request repeats an earlier one, so nothing was changed.
        warnings: advice on the photo.
    """

    student: Student
    quality: float | None
    repeated: bool
    warnings: tuple[PhotoWarning, ...] = ()
