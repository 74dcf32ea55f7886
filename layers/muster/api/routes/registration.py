"""Registration from photos: of one student, and of many at once."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, version_in
from muster.api.photo_upload import read_photo
from muster.api.problems import problems
from muster.api.recognition import Recognition
from muster.api.schemas.registration import PhotoReportDocument, RegisteredDocument
from muster.api.system import RecordServices
from muster.api.workload import Workload
from muster.domain.identifiers import parse_group_id, parse_student_id
from muster.domain.registration import NewPhoto, RegistrationDetails
from muster.vision.formats import DEFAULT_IMAGE_LIMITS

_PROBLEMS = problems(401, 403, 404, 409, 413, 415, 422, 503)


def registration_routes(
    system: RecordServices, recognition: Recognition, work: Workload, archives: Workload
) -> APIRouter:
    """Make the router; `work` limits how many photos are processed at once, `archives` how many archives."""
    router = APIRouter(tags=["recognition"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.post("/register/register-student", status_code=201)
    @work
    def register_student(
        access: caller,
        response: Response,
        student_id: Annotated[str, Form(examples=["s1"])],
        name: Annotated[str, Form(examples=["Ada Lovelace"])],
        group_id: Annotated[list[str], Form(examples=[["7b"]])],
        image: Annotated[UploadFile, File(description="One photo of the student: JPEG, PNG, WebP or HEIC.")],
        consent: Annotated[bool, Form(description="Must be true.")] = False,
        renew_consent: Annotated[
            bool, Form(description="The student withdrew consent earlier and has given it again.")
        ] = False,
        allow_lookalike: Annotated[bool, Form(description="Register even if the face resembles another.")] = False,
    ) -> RegisteredDocument:
        """Register one student from one photo.

        If the id is on the roster already, the caller must teach that student, who keeps their groups and joins the
        given ones. A student who withdrew consent is registered only with `renew_consent`.
        """
        groups = frozenset(parse_group_id(group) for group in group_id)
        for group in groups:
            access.group(group)
        details = RegistrationDetails(
            student_id=parse_student_id(student_id),
            name=name,
            group_ids=groups,
            consent=consent,
            renew_consent=renew_consent,
            allow_lookalike=allow_lookalike,
        )
        registered = recognition.services().registration.register(details, read_photo(image), access.actor())
        response.headers["Location"] = f"/v1/students/{registered.student.id}"
        return RegisteredDocument.of_registered(registered)

    @router.put("/v1/students/{student_id}/photo", responses=problems(412, 428))
    @work
    def replace_photo(
        access: caller,
        student_id: str,
        response: Response,
        image: Annotated[UploadFile, File(description="One photo of the student: JPEG, PNG, WebP or HEIC.")],
        allow_lookalike: Annotated[bool, Form(description="Replace even if the face resembles another.")] = False,
        if_match: IfMatch = None,
    ) -> RegisteredDocument:
        """Replace the photo that a student is registered with. Consent, groups and marks stay.

        The photo passes the checks of a registration. The previous photo, template and learned faces are deleted.
        Sending the present photo again changes nothing.
        """
        # A server that is starting loads this module and its libraries with the models.
        from muster.services.registering.replacement import PhotoReplacement

        student = access.student(parse_student_id(student_id))
        replacement = PhotoReplacement(recognition.services().registration)
        details = NewPhoto(student.id, version_in(if_match), allow_lookalike)
        replaced = replacement.replace(details, read_photo(image), access.actor())
        response.headers["ETag"] = etag(replaced.student.version)
        return RegisteredDocument.of_registered(replaced)

    @router.post("/register/register-students")
    @archives
    def register_students(
        access: caller,
        archive: Annotated[UploadFile, File(description="A ZIP of photos named by student id, such as 0042.jpg.")],
        group_id: Annotated[list[str], Form(description="Only students of these groups.", examples=[["7b"]])],
        consent: Annotated[bool, Form(description="All students in the photos agreed. Must be true.")] = False,
    ) -> list[PhotoReportDocument]:
        """Register many students on the roster. A refused photo does not stop the others."""
        # A server that is starting loads this module and its libraries with the models.
        from muster.services.registering.bulk import BulkRegistration, photos_of_archive

        groups = frozenset(parse_group_id(group) for group in group_id)
        for group in groups:
            access.group(group)
        registration = recognition.services().registration
        bulk = BulkRegistration(registration, system.roster, DEFAULT_IMAGE_LIMITS.file_bytes)
        reports = bulk.run(photos_of_archive(archive.file), consent, groups, access.actor())
        return [PhotoReportDocument.of(report) for report in reports]

    return router
