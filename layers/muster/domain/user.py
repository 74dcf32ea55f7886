"""Users and their roles."""

from dataclasses import dataclass
from enum import StrEnum

from muster.domain.identifiers import UserId


class Role(StrEnum):
    """An admin sees and changes everything, a teacher their own groups."""

    ADMIN = "admin"
    TEACHER = "teacher"


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account; in the cloud the id is the `sub` claim of their token."""

    id: UserId
    role: Role
    name: str = ""
