"""The two fixed endpoints: register a student, read group photos."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile

from muster.api.access import Access
from muster.api.problems import Problem
from muster.api.schemas.registration import RegisteredDocument
from muster.api.schemas.roll_call import DetectDocument
from muster.api.system import Services
from muster.api.workload import Workload
from muster.domain.errors import ImageTooLarge
from muster.domain.identifiers import parse_group_id, parse_session_id, parse_student_id
from muster.services.registering.registration import RegistrationRequest
from muster.vision.decode import DEFAULT

_PROBLEMS = {status: {"model": Problem} for status in (401, 403, 404, 409, 413, 415, 422, 503)}


def _bytes_of(upload: UploadFile) -> bytes:
    """Read an upload, refusing one that decoding would refuse before it fills memory."""
    if upload.size is not None and upload.size > DEFAULT.file_bytes:
        raise ImageTooLarge(
            f"The photo is larger than {DEFAULT.file_bytes // 1_000_000} MB: send it at a smaller size."
        )
    return upload.file.read()


def recognition_routes(system: Services, work: Workload) -> APIRouter:
    """Make the router over one system; `work` bounds how many photos are read at once."""
    router = APIRouter(tags=["recognition"], responses=_PROBLEMS)  # type: ignore[arg-type]
    caller = Annotated[Access, Depends(system.access)]

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
        allow_lookalike: Annotated[bool, Form(description="Register although the face resembles another.")] = False,
    ) -> RegisteredDocument:
        """Register one student from one photo.

        An id that is on a roster already must be that of a student whom the caller may see; the student keeps their
        groups and joins those named. Someone who withdrew consent is registered only with `renew_consent`.
        """
        groups = frozenset(parse_group_id(group) for group in group_id)
        for group in groups:
            access.group(group)
        request = RegistrationRequest(
            student_id=parse_student_id(student_id),
            name=name,
            group_ids=groups,
            consent=consent,
            image=_bytes_of(image),
            actor=access.actor(),
            renew_consent=renew_consent,
            allow_lookalike=allow_lookalike,
        )
        registered = system.registration.register(request)
        response.headers["Location"] = f"/v1/students/{registered.student.id}"
        return RegisteredDocument.of_registered(registered)

    @router.post("/mark/detect")
    @work
    def detect(
        access: caller,
        group_id: Annotated[str, Form(examples=["7b"])],
        images: Annotated[list[UploadFile], File(description="1 to 10 photos of the group.")],
        session_id: Annotated[str | None, Form(description="Add to this session; without it, open one.")] = None,
        use_anyway: Annotated[
            bool, Form(description="Read the photo although it seems to belong to another roll call.")
        ] = False,
    ) -> DetectDocument:
        """Read photos of a group and mark who is present."""
        group = parse_group_id(group_id)
        access.group(group)
        detection = system.detection.detect(
            group,
            [_bytes_of(image) for image in images],
            parse_session_id(session_id) if session_id else None,
            access.actor(),
            use_anyway=use_anyway,
        )
        return DetectDocument.of(detection)

    return router
