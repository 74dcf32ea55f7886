"""The response to a registration."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from muster.api.schemas.students import StudentDocument
from muster.domain.photo_warnings import PhotoWarning
from muster.services.registering.results import RegistrationResult

if TYPE_CHECKING:
    # It imports the model libraries, which a process without recognition does not have.
    from muster.services.registering.bulk import PhotoReport


class PhotoWarningDocument(BaseModel):
    """Advice on a photo that was accepted."""

    code: str = Field(examples=["mouth_covered"])
    detail: str = Field(examples=[PhotoWarning.MOUTH_COVERED.detail])


class RegisteredDocument(StudentDocument):
    """The response to a registration."""

    quality: float | None = Field(description="Quality of the photo, 0 to 1; null for a repeated request.")
    repeated: bool = Field(description="The same request was executed before; nothing was changed.")
    warnings: list[PhotoWarningDocument] = Field(
        default=[], description="Advice for a better photo, such as `photo_turned` or `mouth_covered`."
    )

    @classmethod
    def of_registered(cls, registered: RegistrationResult) -> "RegisteredDocument":
        """Describe a registration."""
        student = StudentDocument.of(registered.student)
        warnings = [PhotoWarningDocument(code=warning.value, detail=warning.detail) for warning in registered.warnings]
        return cls(**student.model_dump(), quality=registered.quality, repeated=registered.repeated, warnings=warnings)


class PhotoReportDocument(BaseModel):
    """The result for one photo of an archive."""

    photo: str = Field(examples=["0042.jpg"])
    student_id: str | None
    result: Literal["registered", "repeated", "refused", "unanswered"] = Field(
        description="`unanswered` only on the command line, for a photo that a stage has not read."
    )
    quality: float | None = Field(description="0 to 1.")
    code: str | None = Field(examples=["too_blurred"])
    detail: str | None

    @classmethod
    def of(cls, report: "PhotoReport") -> "PhotoReportDocument":
        """Describe the result for a photo."""
        return cls(
            photo=report.name,
            student_id=report.student_id,
            result=report.result.value,
            quality=report.quality,
            code=report.code,
            detail=report.detail,
        )
