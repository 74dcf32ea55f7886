"""Roll calls from photos of a group."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, UploadFile

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.photo_upload import read_photo
from muster.api.problems import problems
from muster.api.recognition import Recognition
from muster.api.schemas.roll_call import DetectDocument
from muster.api.system import RecordServices
from muster.api.workload import Workload
from muster.domain.identifiers import parse_group_id, parse_session_id

_PROBLEMS = problems(401, 403, 404, 409, 413, 415, 422, 503)


def roll_call_routes(system: RecordServices, recognition: Recognition, work: Workload) -> APIRouter:
    """Make the router; `work` limits how many requests are processed at once."""
    router = APIRouter(tags=["recognition"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.post("/mark/detect")
    @work
    def detect(
        access: caller,
        group_id: Annotated[str, Form(examples=["7b"])],
        images: Annotated[list[UploadFile], File(description="1 to 10 photos of the group.")],
        session_id: Annotated[str | None, Form(description="Add to this session; by default one is opened.")] = None,
        use_anyway: Annotated[
            bool, Form(description="Use the photos even if they seem to belong to another roll call.")
        ] = False,
    ) -> DetectDocument:
        """Recognise the students in photos of a group, and mark them."""
        group = parse_group_id(group_id)
        access.group(group)
        session = parse_session_id(session_id) if session_id else None
        access.photos_of(session)
        detection = recognition.services().detection.detect(
            group,
            [read_photo(image) for image in images],
            session,
            access.actor(),
            use_anyway=use_anyway,
        )
        return DetectDocument.of(detection)

    return router
