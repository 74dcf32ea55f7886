"""Planned absences of students, for their teachers and admins."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.pagination import Cursor, Limit, page
from muster.api.problems import problems
from muster.api.schemas.absences import AbsenceDocument, AbsencePage, AbsenceToPlan
from muster.api.system import RecordServices
from muster.domain.identifiers import GroupId, parse_group_id, parse_student_id
from muster.domain.period import Period, parse_day

_PROBLEMS = problems(401, 403, 404, 422)

Day = Annotated[str | None, Query(json_schema_extra={"format": "date"}, examples=["2026-09-01"])]


def absence_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["absences"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("/absences")
    def list_all_absences(
        access: caller,
        group_id: Annotated[str | None, Query(description="Only students of this group.")] = None,
        since: Day = None,
        until: Day = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> AbsencePage:
        """Return the planned absences of all students that the caller may see, ordered by first day.

        `since` and `until` are days in the school's time zone, both included: absences that share a day with the period
        are listed.
        """
        period = Period(parse_day(since), parse_day(until))
        groups: Collection[GroupId | None] = [None]
        if group_id is not None:
            groups = [parse_group_id(group_id)]
            access.any_of([group for group in groups if group is not None])
        elif (own := access.groups()) is not None:
            groups = own
        students = {student.id: student for group in groups for student in system.roster.find(group)}
        found = system.absences.of_all(period, None if None in groups else students.keys())
        # Students who were erased since the absences were read are left out.
        known = [absence for absence in found if absence.student_id in students]
        shown, following = page(known, lambda each: f"{each.first_day} {each.student_id} {each.id}", limit, cursor)
        users = system.people.names({absence.by for absence in shown})
        return AbsencePage.of(shown, students, users, following)

    @router.get("/students/{student_id}/absences")
    def list_absences(access: caller, student_id: str) -> list[AbsenceDocument]:
        """Return the planned absences of a student, ordered by first day."""
        found = system.absences.find(access.student(parse_student_id(student_id)).id)
        users = system.people.names({absence.by for absence in found})
        return [AbsenceDocument.of(absence, users) for absence in found]

    @router.post("/students/{student_id}/absences", status_code=201)
    def plan_absence(access: caller, student_id: str, planned: AbsenceToPlan, response: Response) -> AbsenceDocument:
        """Plan an absence.

        Sessions that it covers start with its mark, source `planned`. Open sessions change too, except marks that a
        person set and students in a photo.
        """
        student = access.student(parse_student_id(student_id))
        absence = system.absences.add(student.id, planned.plan(), access.principal.user_id)
        response.headers["Location"] = f"/v1/students/{student.id}/absences/{absence.id}"
        return AbsenceDocument.of(absence, system.people.names({absence.by}))

    @router.put("/students/{student_id}/absences/{absence_id}")
    def change_absence(access: caller, student_id: str, absence_id: str, planned: AbsenceToPlan) -> AbsenceDocument:
        """Replace a planned absence; marks of open sessions follow as when it is planned."""
        student = access.student(parse_student_id(student_id))
        absence = system.absences.replace(student.id, absence_id, planned.plan(), access.principal.user_id)
        return AbsenceDocument.of(absence, system.people.names({absence.by}))

    @router.delete("/students/{student_id}/absences/{absence_id}", status_code=204)
    def remove_absence(access: caller, student_id: str, absence_id: str) -> None:
        """Remove a planned absence, and its marks from open sessions."""
        student = access.student(parse_student_id(student_id))
        system.absences.remove(student.id, absence_id, access.principal.user_id)

    return router
