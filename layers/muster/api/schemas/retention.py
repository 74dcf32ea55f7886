"""Retention periods, and what expires soon."""

from pydantic import BaseModel, Field

from muster.services.privacy.retention_preview import DAYS_AHEAD, RetentionPreview


class ExpiringDocument(BaseModel):
    """What a group loses soon."""

    group_id: str = Field(examples=["7b"])
    session_photos: int = Field(description="Roll calls whose photos reach their limit.", examples=[4])
    sessions: int = Field(description="Roll calls that are removed with their marks.", examples=[0])


class RetentionDocument(BaseModel):
    """Retention periods, and what expires soon."""

    session_photos_days: int | None = Field(
        description="Days for photos of roll calls; null if rules of the photo store remove them.", examples=[30]
    )
    sessions_days: int | None = Field(
        description="Days for roll calls with their marks; null keeps them.", examples=[730]
    )
    days_ahead: int = Field(description="`expiring` looks so many days ahead.", examples=[DAYS_AHEAD])
    expiring: list[ExpiringDocument]

    @classmethod
    def of(cls, preview: RetentionPreview) -> "RetentionDocument":
        """Describe the limits, and what expires soon."""
        return cls(
            session_photos_days=preview.limits.session_photos,
            sessions_days=preview.limits.sessions,
            days_ahead=DAYS_AHEAD,
            expiring=[
                ExpiringDocument(group_id=each.group_id, session_photos=each.session_photos, sessions=each.sessions)
                for each in preview.expiring()
            ],
        )
