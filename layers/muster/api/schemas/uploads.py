"""Uploads: the announcement of a photo, the form to send it with, and its outcome."""

from typing import Literal

from pydantic import BaseModel, Field

from muster.api.problems import Problem, describe
from muster.api.schemas.registration import RegisteredDocument
from muster.api.schemas.roll_call import DetectDocument
from muster.domain.identifiers import parse_group_id, parse_session_id, parse_student_id
from muster.domain.registration import NewPhoto, RegistrationDetails
from muster.domain.upload import Failure, PhotoFile, RollCallDetails, UploadKind, UploadState
from muster.services.registering.results import RegistrationResult
from muster.services.roll_call.results import RollCallResult
from muster.services.uploading.uploads import UploadAnswer


class _Announcement(BaseModel):
    content_type: str = Field(description="Media type of the photo.", examples=["image/jpeg"])
    size: int = Field(description="Exact size of the photo in bytes.", examples=[8_123_456])

    def file(self) -> PhotoFile:
        return PhotoFile(self.content_type, self.size)


class RegistrationAnnouncement(_Announcement):
    """A photo that registers a student."""

    kind: Literal["register"]
    student_id: str = Field(examples=["s1"])
    name: str = Field(examples=["Ada Lovelace"])
    group_ids: list[str] = Field(examples=[["7b"]])
    consent: bool = Field(default=False, description="Must be true.")
    renew_consent: bool = Field(
        default=False, description="The student withdrew consent earlier and has given it again."
    )
    allow_lookalike: bool = Field(default=False, description="Register even if the face resembles another student.")

    def details(self) -> RegistrationDetails:
        """Return the fields as a domain object."""
        return RegistrationDetails(
            student_id=parse_student_id(self.student_id),
            name=self.name,
            group_ids=frozenset(parse_group_id(group) for group in self.group_ids),
            consent=self.consent,
            renew_consent=self.renew_consent,
            allow_lookalike=self.allow_lookalike,
        )


class NewPhotoAnnouncement(_Announcement):
    """A photo that replaces the registration photo of a student."""

    kind: Literal["replace"]
    student_id: str = Field(examples=["s1"])
    version: int | None = Field(
        default=None, description="The student's version that was read; by default any.", examples=[1]
    )
    allow_lookalike: bool = Field(default=False, description="Replace even if the face resembles another student.")

    def details(self) -> NewPhoto:
        """Return the fields as a domain object."""
        return NewPhoto(parse_student_id(self.student_id), self.version, self.allow_lookalike)


class RollCallAnnouncement(_Announcement):
    """A photo for a roll call."""

    kind: Literal["detect"]
    group_id: str = Field(examples=["7b"])
    session_id: str | None = Field(default=None, description="Add to this session; by default one is opened.")
    use_anyway: bool = Field(
        default=False, description="Use the photo even if it seems to belong to another roll call."
    )

    def details(self) -> RollCallDetails:
        """Return the fields as a domain object."""
        return RollCallDetails(
            group_id=parse_group_id(self.group_id),
            session_id=parse_session_id(self.session_id) if self.session_id else None,
            use_anyway=self.use_anyway,
        )


class PermitDocument(BaseModel):
    """Where to send the photo: a multipart form to `url`, with all `fields` and then the photo as `file`."""

    upload_id: str
    url: str
    fields: dict[str, str]
    expires_at: str = Field(description="UTC time after which the form is refused.")


class UploadDocument(BaseModel):
    """The state of an upload, with the response once it is done, or the problem if it failed."""

    upload_id: str
    kind: UploadKind
    state: UploadState
    answer: RegisteredDocument | DetectDocument | None
    problem: Problem | None

    @classmethod
    def of(cls, found: UploadAnswer) -> "UploadDocument":
        """Describe an upload."""
        answer: RegisteredDocument | DetectDocument | None = None
        problem = None
        match found.answer:
            case RegistrationResult() as registered:
                answer = RegisteredDocument.of_registered(registered)
            case RollCallResult() as detection:
                answer = DetectDocument.of(detection)
            case Failure(code, category, detail):
                problem = describe(category, code, detail)
        upload = found.upload
        return cls(upload_id=upload.id, kind=upload.kind, state=upload.state, answer=answer, problem=problem)
