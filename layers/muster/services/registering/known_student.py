"""The check of a registration against the student who already has its id."""

from muster.domain.actor import Actor
from muster.domain.errors import ConsentWithdrawn, StudentNotFound
from muster.domain.identifiers import StudentId
from muster.domain.student import Student, StudentState
from muster.storage.ports import StudentStore


def known_student(
    students: StudentStore, student_id: StudentId, actor: Actor, *, renew_consent: bool
) -> Student | None:
    """Return the student who has this id, if the actor may register them; None if nobody has it.

    Raises:
        NotAllowed: the actor teaches none of the student's groups.
        ConsentWithdrawn: the student withdrew consent, and the request does not renew it.
    """
    try:
        student = students.get(student_id)
    except StudentNotFound:
        return None
    actor.check(student.groups)
    if student.state is StudentState.WITHDRAWN and not renew_consent:
        raise ConsentWithdrawn(
            f"{student_id} withdrew consent. Ask the student or guardian again, then register with renew_consent."
        )
    return student
