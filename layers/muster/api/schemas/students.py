"""Students as the API shows and accepts them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.identifiers import UserId
from muster.domain.student import MAX_GROUPS, Student


class StudentDocument(BaseModel):
    """A student on the roster."""

    student_id: str = Field(examples=["s1"])
    name: str = Field(examples=["Ada Lovelace"])
    group_ids: list[str] = Field(examples=[["7b"]])
    state: Literal["enrolled", "registered", "withdrawn"] = Field(
        description="`enrolled`: on the roster without a photo; `withdrawn`: no longer agrees to be recognised."
    )
    registered_at: datetime | None
    consent_given_at: datetime | None
    consent_wording: str | None
    consent_withdrawn_at: datetime | None
    version: int = Field(description="Counts changes; the ETag.", examples=[1])
    photo_replaced_at: datetime | None = Field(
        default=None, description="When the registration photo was last replaced; null if it is the first one."
    )
    photo_replaced_by: str | None = Field(default=None, description="Id of the user who replaced it.")
    photo_replaced_by_name: str | None = Field(
        default=None, description="Name of that user, if known; only in the answer about one student."
    )

    @classmethod
    def of(cls, student: Student, users: Mapping[UserId, str] = MappingProxyType({})) -> "StudentDocument":
        """Describe a student; `users` has names of users."""
        consent, change = student.consent, student.photo_change
        return cls(
            student_id=student.id,
            name=student.name,
            group_ids=sorted(student.groups),
            state=student.state.value,
            registered_at=student.registered_at,
            consent_given_at=consent.given_at if consent else None,
            consent_wording=consent.wording if consent else None,
            consent_withdrawn_at=consent.withdrawn_at if consent else None,
            version=student.version,
            photo_replaced_at=None if change is None else change.at,
            photo_replaced_by=None if change is None else change.by,
            photo_replaced_by_name=None if change is None else users.get(change.by),
        )


class StudentPage(BaseModel):
    """A page of students."""

    items: list[StudentDocument]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")

    @classmethod
    def of(cls, students: Sequence[Student], next_cursor: str | None) -> "StudentPage":
        """Describe one page."""
        return cls(items=[StudentDocument.of(student) for student in students], next_cursor=next_cursor)


class NewStudent(BaseModel):
    """A student to add to the roster, without a photo."""

    model_config = ConfigDict(extra="forbid")

    student_id: str = Field(examples=["0042"])
    name: str = Field(examples=["Ada Lovelace"], max_length=400)
    group_ids: list[str] = Field(min_length=1, max_length=MAX_GROUPS, examples=[["7b"]])


class StudentChange(BaseModel):
    """A change to a student; fields left out do not change."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, examples=["Ada King"], max_length=400)
    group_ids: list[str] | None = Field(default=None, min_length=1, max_length=MAX_GROUPS, examples=[["7b", "math"]])


class StatedConsent(BaseModel):
    """A statement that a student agreed to the present consent wording."""

    model_config = ConfigDict(extra="forbid")

    consent: bool = Field(description="Must be true.", examples=[True])
