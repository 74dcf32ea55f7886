"""The student who already has the id of a registration, and whether the registration may go on."""

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
        NotAllowed: the student is in other groups only.
        ConsentWithdrawn: the student withdrew consent, and the request does not say that it is given again.
    """
    try:
        student = students.get(student_id)
    except StudentNotFound:
        return None
    actor.check(student.groups)
    if student.state is StudentState.WITHDRAWN and not renew_consent:
        raise ConsentWithdrawn(
            f"{student_id} withdrew consent: ask the student, or the guardian, again, then register with renew_consent."
        )
    return student
