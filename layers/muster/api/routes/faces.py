"""Names that people give to the faces of a session."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, pinned
from muster.api.problems import problems
from muster.api.recognition import Recognition
from muster.api.schemas.questions import FacesConfirmation
from muster.api.schemas.sessions import FaceNaming, NamedFaceDocument, SessionDocument
from muster.api.system import RecordServices
from muster.api.workload import Workload
from muster.domain.errors import FaceNotFound, InvalidRequest
from muster.domain.identifiers import FaceId, StudentId, parse_session_id, parse_student_id

_PROBLEMS = problems(401, 403, 404, 422, 503)
_CHANGE = problems(409, 412)


def face_routes(system: RecordServices, recognition: Recognition, work: Workload) -> APIRouter:
    """Make the router; `work` limits how many photos are decoded at once."""
    router = APIRouter(prefix="/v1/sessions", tags=["recognition"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.post("/{session_id}/faces/{face_id}/student", responses=_CHANGE)
    @work
    def name_face(
        access: caller,
        session_id: str,
        face_id: str,
        naming: FaceNaming,
        response: Response,
        if_match: IfMatch = None,
    ) -> NamedFaceDocument:
        """Confirm or correct the name of a face; null means that it shows no student of this group.

        Marks are updated, except those that a person set by hand: students with a face in the session are present,
        students with an open question are in review, the others are absent. A student has one face in a photo: naming
        another moves the name, and the first face becomes unknown.

        If the face is good enough and plausible, it is added to the student's template until the name is removed.
        Otherwise the name is stored and nothing is learned. With `learn`, a face that cannot be learned is refused
        instead. With `learn_anyway`, a face that resembles the student too little, or another student more, is
        learned too.
        """
        session = access.session(parse_session_id(session_id))
        face, by = FaceId(face_id), access.principal.user_id
        version = pinned(if_match, session.version)
        student_id = None if naming.student_id is None else parse_student_id(naming.student_id)
        if naming.learn:
            access.member_of_staff()
        if not naming.learn:
            system.corrections.name(session.id, face, student_id, by, version)
            if student_id is not None and access.knows_students():
                recognition.services().learning.learn_confirmed(session.id, {face: student_id}, by)
        elif student_id is None:
            raise InvalidRequest("Name a student to learn the face, or leave out `learn`.")
        else:
            recognition.services().learning.name(session.id, face, student_id, by, version, anyway=naming.learn_anyway)
        detail = system.sessions.get(session.id)
        document = NamedFaceDocument.of(detail, face)
        if document is None:
            raise FaceNotFound("The photo was removed since you read the session. Read it again.")
        response.headers["ETag"] = etag(detail.session.version)
        return document

    @router.post("/{session_id}/faces/confirmed", responses=_CHANGE)
    @work
    def confirm_faces(
        access: caller,
        session_id: str,
        confirmation: FacesConfirmation,
        response: Response,
        if_match: IfMatch = None,
    ) -> SessionDocument:
        """Confirm several proposals at once, all or none: each face shows the student that its question names.

        The students become present, except those whose mark a person set by hand, and there are no more questions
        about them in this session. If a face is no longer proposed as its student, the request is refused, so it is
        safe without `If-Match`. Each face is one change in the session's history. Faces that are good enough and
        plausible are learned.
        """
        session = access.session(parse_session_id(session_id))
        proposals: dict[FaceId, StudentId] = {}
        for face in confirmation.faces:
            if FaceId(face.face_id) in proposals:
                raise InvalidRequest(f"The face {face.face_id[:80]} is listed twice. List each face once.")
            proposals[FaceId(face.face_id)] = parse_student_id(face.student_id)
        version = pinned(if_match, session.version)
        system.corrections.confirm(session.id, proposals, access.principal.user_id, version)
        if access.knows_students():
            recognition.services().learning.learn_confirmed(session.id, proposals, access.principal.user_id)
        detail = system.sessions.get(session.id)
        response.headers["ETag"] = etag(detail.session.version)
        return SessionDocument.of_detail(detail)

    return router
