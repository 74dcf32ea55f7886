"""Changes in several registers."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, Field

from muster.api.schemas.sessions import (
    FaceChangeDocument,
    MarkChangeDocument,
    PhotoChangeDocument,
    RegisterChangeDocument,
    change_document,
)
from muster.domain.identifiers import UserId
from muster.reports.changes import ChangeList


class SessionChangeDocument(BaseModel):
    """A change with its session."""

    session_id: str
    group_id: str
    started_at: datetime = Field(description="Start of the session; UTC.")
    subject: str | None = Field(description="Of the lesson, if the session belongs to one.")
    change: MarkChangeDocument | FaceChangeDocument | PhotoChangeDocument | RegisterChangeDocument


class ChangesDocument(BaseModel):
    """A page of changes in several registers."""

    items: list[SessionChangeDocument]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null at the end. An empty page may have others after it."
    )

    @classmethod
    def of(cls, found: ChangeList, users: Mapping[UserId, str], next_cursor: str | None = None) -> "ChangesDocument":
        """Describe changes; `users` are names of users."""
        items = [
            SessionChangeDocument(
                session_id=each.session.id,
                group_id=each.session.group_id,
                started_at=each.session.started_at,
                subject=None if each.session.lesson is None else each.session.lesson.subject,
                change=change_document(each.change, found.names, users),
            )
            for each in found.changes
        ]
        return cls(items=items, next_cursor=next_cursor)
