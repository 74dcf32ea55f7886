"""Photos sent to the store directly: announced here, and asked for here."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel, Field

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import Problem, describe
from muster.api.schemas.registration import RegisteredDocument
from muster.api.schemas.roll_call import DetectDocument
from muster.domain.identifiers import GroupId, parse_group_id, parse_session_id, parse_student_id, parse_upload_id
from muster.domain.upload import (
    Details,
    Failure,
    PhotoFile,
    RegistrationDetails,
    RollCallDetails,
    UploadKind,
    UploadState,
)
from muster.services.registering.results import RegistrationResult
from muster.services.roll_call.results import RollCallResult
from muster.services.uploading.uploads import UploadAnswer, Uploads

_PROBLEMS = {status: {"model": Problem} for status in (401, 403, 404, 413, 415, 422)}


class _Announcement(BaseModel):
    content_type: str = Field(description="Media type of the photo.", examples=["image/jpeg"])
    size: int = Field(description="Size of the photo in bytes; exactly that many must be sent.", examples=[8_123_456])

    def file(self) -> PhotoFile:
        return PhotoFile(self.content_type, self.size)


class RegistrationAnnouncement(_Announcement):
    """A photo that is to register a student."""

    kind: Literal["register"]
    student_id: str = Field(examples=["s1"])
    name: str = Field(examples=["Ada Lovelace"])
    group_ids: list[str] = Field(examples=[["7b"]])
    consent: bool = Field(default=False, description="Must be true.")
    renew_consent: bool = Field(
        default=False, description="The student withdrew consent earlier and has given it again."
    )
    allow_lookalike: bool = Field(default=False, description="Register although the face resembles another.")

    def details(self) -> RegistrationDetails:
        """Read the fields."""
        return RegistrationDetails(
            student_id=parse_student_id(self.student_id),
            name=self.name,
            group_ids=frozenset(parse_group_id(group) for group in self.group_ids),
            consent=self.consent,
            renew_consent=self.renew_consent,
            allow_lookalike=self.allow_lookalike,
        )


class RollCallAnnouncement(_Announcement):
    """A photo in which to mark who is present."""

    kind: Literal["detect"]
    group_id: str = Field(examples=["7b"])
    session_id: str | None = Field(default=None, description="Add to this session; without it, open one.")
    use_anyway: bool = Field(
        default=False, description="Read the photo although it seems to belong to another roll call."
    )

    def details(self) -> RollCallDetails:
        """Read the fields."""
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
    expires_at: str = Field(description="Time, UTC, after which the form is refused.")


class UploadDocument(BaseModel):
    """How far an upload is, with the answer of the direct call once it is done, or the problem if it failed."""

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


def upload_routes(uploads: Uploads, gate: Authorize) -> APIRouter:
    """Make the router over the use cases."""
    router = APIRouter(prefix="/v1/uploads", tags=["uploads"], responses=_PROBLEMS)  # type: ignore[arg-type]
    caller = Annotated[Access, Depends(gate)]

    @router.post("", status_code=HTTPStatus.CREATED)
    def open_upload(
        access: caller,
        response: Response,
        announcement: Annotated[RegistrationAnnouncement | RollCallAnnouncement, Body(discriminator="kind")],
    ) -> PermitDocument:
        """Announce a photo and get leave to send it."""
        details = announcement.details()
        for group in _groups_of(details):
            access.group(group)
        upload, permit = uploads.open(details, announcement.file(), access.actor())
        response.headers["Location"] = f"/v1/uploads/{upload.id}"
        return PermitDocument(
            upload_id=upload.id, url=permit.url, fields=dict(permit.fields), expires_at=permit.expires_at.isoformat()
        )

    @router.get("/{upload_id}")
    def get_upload(access: caller, upload_id: str) -> UploadDocument:
        """Return how far an upload is, to the user who announced it and to admins.

        For anyone else it does not exist. The answer is shown as long as its student or group is the caller's.
        """
        found = uploads.get(parse_upload_id(upload_id), access.actor())
        return UploadDocument.of(found)

    return router


def _groups_of(details: Details) -> frozenset[GroupId]:
    match details:
        case RegistrationDetails():
            return details.group_ids
        case RollCallDetails():
            return frozenset({details.group_id})
