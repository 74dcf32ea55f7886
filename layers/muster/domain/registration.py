"""The details of a registration, sent with its photo or ahead of it."""

from dataclasses import dataclass

from muster.domain.identifiers import GroupId, StudentId


@dataclass(frozen=True, slots=True)
class RegistrationDetails:
    """The student that a registration photo shows.

    Attributes:
        group_ids: groups that the student joins, in addition to any that the student is already in.
        consent: the student, or a guardian, agreed to be recognised.
        renew_consent: the student withdrew consent earlier and has given it again.
        allow_lookalike: register even if the face resembles a registered student: twins exist.
    """

    student_id: StudentId
    name: str
    group_ids: frozenset[GroupId]
    consent: bool
    renew_consent: bool = False
    allow_lookalike: bool = False


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """The registered student that another registration photo shows.

    Attributes:
        version: of the student's record that the caller read; None replaces the photo of any version.
        allow_lookalike: as in `RegistrationDetails`.
    """

    student_id: StudentId
    version: int | None = None
    allow_lookalike: bool = False
