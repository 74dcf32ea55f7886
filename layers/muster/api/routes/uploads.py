"""Uploads of photos directly to the store: opened here, with their outcome."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.uploads import (
    NewPhotoAnnouncement,
    PermitDocument,
    RegistrationAnnouncement,
    RollCallAnnouncement,
    UploadDocument,
)
from muster.domain.identifiers import GroupId, parse_upload_id
from muster.domain.registration import NewPhoto, RegistrationDetails
from muster.domain.upload import RollCallDetails
from muster.services.uploading.uploads import Uploads

_PROBLEMS = problems(401, 403, 404, 413, 415, 422)


def upload_routes(uploads: Uploads, gate: Authorize) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/uploads", tags=["uploads"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(gate)]

    @router.post("", status_code=HTTPStatus.CREATED)
    def open_upload(
        access: caller,
        response: Response,
        announcement: Annotated[
            RegistrationAnnouncement | NewPhotoAnnouncement | RollCallAnnouncement, Body(discriminator="kind")
        ],
    ) -> PermitDocument:
        """Announce a photo, and get a form to send it with."""
        details = announcement.details()
        if isinstance(details, RollCallDetails):
            access.photos_of(details.session_id)
        else:
            access.member_of_staff()
        if isinstance(details, NewPhoto):
            access.student(details.student_id)
        else:
            for group in _groups_of(details):
                access.group(group)
        upload, permit = uploads.open(details, announcement.file(), access.actor())
        response.headers["Location"] = f"/v1/uploads/{upload.id}"
        return PermitDocument(
            upload_id=upload.id, url=permit.url, fields=dict(permit.fields), expires_at=permit.expires_at.isoformat()
        )

    @router.get("/{upload_id}")
    def get_upload(access: caller, upload_id: str) -> UploadDocument:
        """Return the state of an upload.

        Only the user who opened it, and admins, can read it. The answer is included as long as the caller may see its
        student or group.
        """
        found = uploads.get(parse_upload_id(upload_id), access.actor())
        return UploadDocument.of(found)

    return router


def _groups_of(details: RegistrationDetails | RollCallDetails) -> frozenset[GroupId]:
    match details:
        case RegistrationDetails():
            return details.group_ids
        case RollCallDetails():
            return frozenset({details.group_id})
