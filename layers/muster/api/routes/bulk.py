"""Registering everyone on a roster at once, and the pictures they were registered with."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile

from muster.api.access import Access
from muster.api.problems import Problem
from muster.api.schemas.registration import PhotoReportDocument
from muster.api.system import Services
from muster.api.workload import Workload
from muster.domain.identifiers import parse_group_id, parse_student_id
from muster.services.photos.decoding import read_stored
from muster.services.photos.thumbnails import small_jpeg
from muster.services.registering.bulk import BulkRegistration, photos_of_archive
from muster.vision.decode import DEFAULT

_PROBLEMS = {status: {"model": Problem} for status in (401, 403, 404, 413, 415, 422, 503)}


def bulk_routes(system: Services, archives: Workload, pictures: Workload) -> APIRouter:
    """Make the router over one system; `archives` and `pictures` bound how much is done at once."""
    router = APIRouter(tags=["recognition"], responses=_PROBLEMS)  # type: ignore[arg-type]
    caller = Annotated[Access, Depends(system.access)]
    bulk = BulkRegistration(system.registration, system.roster, DEFAULT.file_bytes)

    @router.post("/register/register-students")
    @archives
    def register_students(
        access: caller,
        archive: Annotated[UploadFile, File(description="A ZIP of photos named by student id, such as 0042.jpg.")],
        group_id: Annotated[list[str], Form(description="Only students of these groups.", examples=[["7b"]])],
        consent: Annotated[bool, Form(description="Everyone in the photos agreed. Must be true.")] = False,
    ) -> list[PhotoReportDocument]:
        """Register students on the roster; a photo that is refused keeps nobody else back."""
        groups = frozenset(parse_group_id(group) for group in group_id)
        for group in groups:
            access.group(group)
        reports = bulk.run(photos_of_archive(archive.file), consent, groups, access.actor())
        return [PhotoReportDocument.of(report) for report in reports]

    @router.get(
        "/v1/students/{student_id}/picture",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG, 400 pixels at most."}},
    )
    @pictures
    def picture(access: caller, student_id: str) -> Response:
        """Return the photo that a student was registered with, small."""
        student = access.student(parse_student_id(student_id))
        pixels = read_stored(system.decode, system.roster.photo(student.id)).pixels
        return Response(small_jpeg(pixels), media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})

    return router
