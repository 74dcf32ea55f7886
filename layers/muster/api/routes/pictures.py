"""Pictures of students and of sessions, as JPEG."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.recognition import Recognition
from muster.api.system import RecordServices
from muster.api.workload import Workload
from muster.domain.identifiers import FaceId, PhotoId, parse_session_id, parse_student_id

_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG."}}

# Students' faces: no cache may keep one after it is deleted here.
_HEADERS = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


def picture_routes(system: RecordServices, recognition: Recognition, work: Workload) -> APIRouter:
    """Make the router; `work` limits how many photos are decoded at once."""
    router = APIRouter(prefix="/v1", tags=["recognition"], responses=problems(401, 403, 404, 422, 503))
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("/students/{student_id}/picture", response_class=Response, responses=_PICTURE)
    @work
    def picture_of_student(access: caller, student_id: str) -> Response:
        """Return a student's registration photo, at most 400 pixels on its longer side."""
        # A server that is starting loads this module and its libraries with the models.
        from muster.services.photos.student_picture import student_picture

        student = access.student(parse_student_id(student_id))
        content = student_picture(student.id, system.roster, recognition.services().decode)
        return Response(content, media_type="image/jpeg", headers=_HEADERS)

    @router.get("/sessions/{session_id}/photos/{photo_id}/annotated", response_class=Response, responses=_PICTURE)
    @work
    def annotated_photo(access: caller, session_id: str, photo_id: str) -> Response:
        """Return a photo with frames around its faces and their present names, as long as the photo is kept."""
        session = access.session(parse_session_id(session_id))
        picture = recognition.services().session_pictures.annotated(session.id, PhotoId(photo_id))
        return Response(picture, media_type="image/jpeg", headers=_HEADERS)

    @router.get("/sessions/{session_id}/photos/{photo_id}/picture", response_class=Response, responses=_PICTURE)
    @work
    def picture_of_photo(access: caller, session_id: str, photo_id: str) -> Response:
        """Return a photo without annotations, scaled for viewing, as long as the photo is kept."""
        session = access.session(parse_session_id(session_id))
        content = recognition.services().session_pictures.photo(session.id, PhotoId(photo_id))
        return Response(content, media_type="image/jpeg", headers=_HEADERS)

    @router.get("/sessions/{session_id}/faces/{face_id}/picture", response_class=Response, responses=_PICTURE)
    @work
    def picture_of_face(access: caller, session_id: str, face_id: str) -> Response:
        """Return one face, cropped from its photo with a margin, as long as the photo is kept."""
        session = access.session(parse_session_id(session_id))
        content = recognition.services().session_pictures.face(session.id, FaceId(face_id))
        return Response(content, media_type="image/jpeg", headers=_HEADERS)

    return router
