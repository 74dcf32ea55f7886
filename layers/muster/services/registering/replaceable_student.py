"""The check of a photo replacement that needs no photo."""

from muster.domain.actor import Actor
from muster.domain.errors import ConsentWithdrawn, NotRegistered, VersionConflict
from muster.domain.registration import NewPhoto
from muster.domain.student import Student, StudentState
from muster.storage.ports import StudentStore


def replaceable_student(students: StudentStore, details: NewPhoto, actor: Actor) -> Student:
    """Return the student whose photo is to be replaced, if the actor may do it.

    Raises:
        StudentNotFound: nobody has the id.
        NotAllowed: the actor teaches none of the student's groups.
        ConsentWithdrawn: the student withdrew consent.
        NotRegistered: the student has no photo yet.
    """
    student = students.get(details.student_id)
    actor.check(student.groups)
    if student.state is StudentState.WITHDRAWN:
        raise ConsentWithdrawn(
            f"{student.id} withdrew consent. Ask the student or guardian again, then register with renew_consent."
        )
    if student.state is StudentState.ENROLLED:
        raise NotRegistered(f"{student.id} has no photo yet. Register the student with the photo instead.")
    return student


def check_version(details: NewPhoto, student: Student) -> None:
    """Check that the record is the one that the caller read.

    Raises:
        VersionConflict: it was changed since.
    """
    if details.version not in (None, student.version):
        raise VersionConflict(f"{student.id} was changed since you read it. Read the record again.")
