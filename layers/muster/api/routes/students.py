"""The students on the roster."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, expected
from muster.api.pagination import Cursor, Limit, page
from muster.api.problems import problems
from muster.api.schemas.learned_faces import ForgottenFaces, LearnedFacesDocument
from muster.api.schemas.roster_import import ImportDocument
from muster.api.schemas.students import NewStudent, StatedConsent, StudentChange, StudentDocument, StudentPage
from muster.api.schemas.subject_access import SubjectDocument
from muster.api.system import RecordServices
from muster.domain.errors import ConsentRequired, UnsupportedTable
from muster.domain.identifiers import FaceId, parse_group_id, parse_student_id
from muster.services.roster_import.execution import GroupChanges, RosterImport
from muster.services.roster_import.table import MAX_BYTES, read_roster

_PROBLEMS = problems(401, 403, 404, 422)
_CHANGE_PROBLEMS = problems(409, 412, 428)
_FILE_PROBLEMS = problems(409, 413, 415)


def student_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["roster"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("/students")
    def list_students(
        access: caller, group_id: str | None = None, limit: Limit = 100, cursor: Cursor = None
    ) -> StudentPage:
        """Return the students of a group, or all that the caller may see, ordered by id."""
        own = access.groups()
        if group_id is not None:
            group = parse_group_id(group_id)
            access.group(group)
            students = system.roster.find(group)
        elif own is None:
            students = system.roster.find()
        else:
            by_id = {student.id: student for group in own for student in system.roster.find(group)}
            students = [by_id[student_id] for student_id in sorted(by_id)]
        return StudentPage.of(*page(students, lambda student: student.id, limit, cursor))

    @router.post("/students", status_code=201, responses=_CHANGE_PROBLEMS)
    def enrol_student(access: caller, new: NewStudent, response: Response) -> StudentDocument:
        """Add a student to the roster without a photo. They are marked by hand until registered."""
        groups = [parse_group_id(group) for group in new.group_ids]
        for group in groups:
            access.group(group)
        student = system.roster.enrol(parse_student_id(new.student_id), new.name, groups, access.actor())
        response.headers["Location"] = f"/v1/students/{student.id}"
        response.headers["ETag"] = etag(student.version)
        return StudentDocument.of(student)

    @router.post("/students/import", responses=_FILE_PROBLEMS)
    def import_students(
        access: caller,
        file: Annotated[UploadFile, File(description="CSV or XLSX, with a header row.")],
        group_id: Annotated[list[str] | None, Query(description="Groups that all students in the file join.")] = None,
        dry_run: Annotated[bool, Query(description="Return the plan, and write nothing.")] = False,
        encoding: Annotated[
            str | None, Query(description="The encoding of a CSV file, such as windows-1254; detected by default.")
        ] = None,
        make_ids: Annotated[
            bool, Query(description="Change ids with other characters into valid ones: 2021/CS/045 to 2021-CS-045.")
        ] = False,
        replace_groups: Annotated[
            bool,
            Query(description="The file is complete for each group in it: students not listed there leave the group."),
        ] = False,
        leave_group_id: Annotated[
            list[str] | None,
            Query(description="Groups that all students in the file leave, except in rows that name the group."),
        ] = None,
    ) -> ImportDocument:
        """Add all students in a file to the roster; admins only. If a row has an error, nothing is written.

        Students only join groups, unless `replace_groups` or `leave_group_id` is given. A dry run returns how the file
        was read and the action planned for each row.
        """
        access.admin()
        groups = [parse_group_id(group) for group in group_id or []]
        changes = GroupChanges(replace_groups, frozenset(map(parse_group_id, leave_group_id or [])))
        if file.size is not None and file.size > MAX_BYTES:
            raise UnsupportedTable(f"The roster is larger than {MAX_BYTES // 1_000_000} MB. Send one file per year.")
        table = read_roster(file.file.read(), file.filename or "", encoding)
        report = RosterImport(system.roster).run(table, groups, dry_run=dry_run, changes=changes, make_ids=make_ids)
        return ImportDocument.of(report)

    @router.get("/students/{student_id}")
    def get_student(access: caller, student_id: str, response: Response) -> StudentDocument:
        """Return one student."""
        student = access.student(parse_student_id(student_id))
        response.headers["ETag"] = etag(student.version)
        change = student.photo_change
        return StudentDocument.of(student, {} if change is None else system.people.names({change.by}))

    @router.patch("/students/{student_id}", responses=_CHANGE_PROBLEMS)
    def change_student(
        access: caller, student_id: str, change: StudentChange, response: Response, if_match: IfMatch = None
    ) -> StudentDocument:
        """Change a student's name or groups; a teacher adds and removes their own groups only."""
        student = access.student(parse_student_id(student_id))
        groups = None if change.group_ids is None else [parse_group_id(group) for group in change.group_ids]
        for group in student.groups.symmetric_difference(student.groups if groups is None else groups):
            access.group(group)
        version = expected(if_match, student.version)
        student = system.roster.update(student.id, version, change.name, groups)
        response.headers["ETag"] = etag(student.version)
        return StudentDocument.of(student)

    @router.delete("/students/{student_id}", status_code=204)
    def erase_student(access: caller, student_id: str) -> None:
        """Erase a student, and their id in all marks, faces and changes; admins only. It cannot be undone."""
        access.admin()
        system.roster.erase(parse_student_id(student_id))

    @router.post("/students/{student_id}/consent", responses=problems(409))
    def record_consent(access: caller, student_id: str, stated: StatedConsent, response: Response) -> StudentDocument:
        """Record that a registered student agreed to the present consent wording, such as that of a new version.

        The caller must teach the student. Students who withdrew consent must be registered again instead.
        """
        student = access.student(parse_student_id(student_id))
        if not stated.consent:
            raise ConsentRequired("Nothing was recorded, since `consent` is not true. Ask the student first.")
        student = system.roster.agree(student.id, access.principal.user_id)
        response.headers["ETag"] = etag(student.version)
        return StudentDocument.of(student)

    @router.post("/students/{student_id}/consent/withdrawal")
    def withdraw_consent(access: caller, student_id: str, response: Response) -> StudentDocument:
        """Withdraw a student's consent: photo, template and trained models are deleted, record and marks stay."""
        student = system.roster.withdraw(access.student(parse_student_id(student_id)).id)
        response.headers["ETag"] = etag(student.version)
        return StudentDocument.of(student)

    @router.get("/students/{student_id}/learned-faces")
    def learned_faces(access: caller, student_id: str) -> LearnedFacesDocument:
        """Return the faces that the student's template learned from, with their roll calls."""
        student = access.student(parse_student_id(student_id))
        faces = system.roster.learned_faces(student.id)
        users = system.people.names({face.by for face in faces if face.by is not None})
        return LearnedFacesDocument.of(student.id, faces, access.groups(), users)

    @router.delete("/students/{student_id}/learned-faces", responses=problems(409))
    def forget_faces(access: caller, student_id: str) -> ForgottenFaces:
        """Remove all faces that the student's template learned from. The registration photo stays."""
        student = access.student(parse_student_id(student_id))
        return ForgottenFaces(student_id=student.id, removed=system.roster.forget_faces(student.id))

    @router.delete("/students/{student_id}/learned-faces/{face_id}", responses=problems(409))
    def forget_face(access: caller, student_id: str, face_id: str) -> ForgottenFaces:
        """Remove one face that the student's template learned from. Marks and sessions do not change."""
        student = access.student(parse_student_id(student_id))
        return ForgottenFaces(student_id=student.id, removed=system.roster.forget_faces(student.id, FaceId(face_id)))

    @router.get("/students/{student_id}/data")
    def subject_data(access: caller, student_id: str) -> SubjectDocument:
        """Return all data that is stored about a student, for a subject access request; admins only."""
        access.admin()
        return SubjectDocument.of(system.subject_access.of(parse_student_id(student_id)))

    return router
