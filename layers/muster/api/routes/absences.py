"""Planned absences of students, for their teachers and admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.absences import AbsenceDocument, AbsenceToPlan
from muster.api.system import RecordServices
from muster.domain.identifiers import parse_student_id

_PROBLEMS = problems(401, 403, 404, 422)


def absence_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/students/{student_id}/absences", tags=["absences"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("")
    def list_absences(access: caller, student_id: str) -> list[AbsenceDocument]:
        """Return the planned absences of a student, ordered by first day."""
        found = system.absences.find(access.student(parse_student_id(student_id)).id)
        users = system.people.names({absence.by for absence in found})
        return [AbsenceDocument.of(absence, users) for absence in found]

    @router.post("", status_code=201)
    def plan_absence(access: caller, student_id: str, planned: AbsenceToPlan, response: Response) -> AbsenceDocument:
        """Plan an absence.

        Sessions that it covers start with its mark, source `planned`. Open sessions change too, except marks that a
        person set and students in a photo.
        """
        student = access.student(parse_student_id(student_id))
        absence = system.absences.add(student.id, planned.plan(), access.principal.user_id)
        response.headers["Location"] = f"/v1/students/{student.id}/absences/{absence.id}"
        return AbsenceDocument.of(absence, system.people.names({absence.by}))

    @router.put("/{absence_id}")
    def change_absence(access: caller, student_id: str, absence_id: str, planned: AbsenceToPlan) -> AbsenceDocument:
        """Replace a planned absence; marks of open sessions follow as when it is planned."""
        student = access.student(parse_student_id(student_id))
        absence = system.absences.replace(student.id, absence_id, planned.plan(), access.principal.user_id)
        return AbsenceDocument.of(absence, system.people.names({absence.by}))

    @router.delete("/{absence_id}", status_code=204)
    def remove_absence(access: caller, student_id: str, absence_id: str) -> None:
        """Remove a planned absence, and its marks from open sessions."""
        student = access.student(parse_student_id(student_id))
        system.absences.remove(student.id, absence_id, access.principal.user_id)

    return router
