"""Faces that a template learned from roll calls."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import BaseModel, Field

from muster.domain.identifiers import GroupId, UserId
from muster.domain.student import LearnedFace


class LearnedFaceDocument(BaseModel):
    """A face that a student's template learned from; its session may have been removed."""

    face_id: str = Field(examples=["f3a1-0"])
    session_id: str | None = Field(
        description="The roll call that showed the face; null in older records, or if the caller may not see it."
    )
    group_id: str | None = Field(description="The group of that roll call; null if `session_id` is.")
    learned_at: datetime | None = Field(description="UTC; null if `session_id` is.")
    automatic: bool = Field(description="Learned without confirmation, because recognition was certain.")
    by: str | None = Field(description="Id of the user who confirmed the face; null if nobody did.")
    by_name: str | None = Field(default=None, description="Name of that user, if known.")

    @classmethod
    def of(
        cls,
        face: LearnedFace,
        groups: frozenset[GroupId] | None = None,
        users: Mapping[UserId, str] = MappingProxyType({}),
    ) -> "LearnedFaceDocument":
        """Describe a learned face.

        Args:
            users: names of users.
            groups: the groups that the reader may see; None means all. Other roll calls are hidden.
        """
        if groups is not None and face.group_id not in groups:
            face = LearnedFace(face.face_id, automatic=face.automatic)
        return cls(
            face_id=face.face_id,
            session_id=face.session_id,
            group_id=face.group_id,
            learned_at=face.learned_at,
            automatic=face.automatic,
            by=face.by,
            by_name=None if face.by is None else users.get(face.by),
        )


class LearnedFacesDocument(BaseModel):
    """The faces that a student's template learned from, oldest first."""

    student_id: str = Field(examples=["s1"])
    items: list[LearnedFaceDocument]

    @classmethod
    def of(
        cls,
        student_id: str,
        faces: Iterable[LearnedFace],
        groups: frozenset[GroupId] | None,
        users: Mapping[UserId, str] = MappingProxyType({}),
    ) -> "LearnedFacesDocument":
        """Describe the learned faces of a student to a reader who may see these groups; None means all."""
        return cls(student_id=student_id, items=[LearnedFaceDocument.of(face, groups, users) for face in faces])


class ForgottenFaces(BaseModel):
    """The number of learned faces that were removed."""

    student_id: str = Field(examples=["s1"])
    removed: int = Field(description="Number of learned faces removed.", examples=[2])
