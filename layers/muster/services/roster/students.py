"""The students on the roster: enrolment, changes, consent and erasure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from muster.domain.actor import OPERATOR, Actor
from muster.domain.errors import FaceNotFound, InvalidRequest, NotRegistered, StudentExists, VersionConflict
from muster.domain.identifiers import FaceId, GroupId, StudentId, UserId
from muster.domain.student import CONSENT_WORDING, Consent, LearnedFace, Student
from muster.services.roster.groups import Groups
from muster.services.roster.names import checked_name
from muster.storage.ports import HeadStore, IdempotencyStore, StudentStore, UploadStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Keeps the roster; no method needs a new photo."""

    students: StudentStore
    heads: HeadStore
    groups: Groups
    idempotency: IdempotencyStore
    request_training: Callable[[], None]
    uploads: UploadStore | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id."""
        return self.students.find(group_id)

    def members(self, group_id: GroupId) -> list[Student]:
        """Return the students of a group, ordered by id.

        Raises:
            GroupNotFound: no group has this id.
        """
        found = self.students.find(group_id)
        if not found:
            self.groups.get(group_id)
        return found

    def get(self, student_id: StudentId) -> Student:
        """Return one student.

        Raises:
            StudentNotFound: nobody has this id.
        """
        return self.students.get(student_id)

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent.

        Raises:
            StudentNotFound: nobody has this id, or the photo is no longer kept.
        """
        return self.students.photo(student_id)

    def enrol(
        self, student_id: StudentId, name: str, group_ids: Collection[GroupId], actor: Actor = OPERATOR
    ) -> Student:
        """Add a student to the roster without a photo. They are marked by hand until registered.

        Raises:
            StudentExists: the id is taken by a student that the actor may see.
            NotAllowed: the id is taken by a student that the actor may not see.
            InvalidRequest: the name is empty or too long, or no group is named, or too many.
        """
        groups = _checked_groups(group_ids)
        student = Student(student_id, checked_name(name), groups, consent=None, registered_at=None)
        self.groups.ensure(groups)
        try:
            self.students.enrol(student)
        except StudentExists:
            actor.check(self.students.get(student_id).groups)
            raise
        return student

    def update(
        self,
        student_id: StudentId,
        expected: int,
        name: str | None = None,
        group_ids: Collection[GroupId] | None = None,
    ) -> Student:
        """Change the name or groups of a student, if the record's version is `expected`.

        Existing marks stay with the groups in which they were made.

        Raises:
            StudentNotFound: nobody has this id.
            VersionConflict: the record has a different version.
            InvalidRequest: the name is empty or too long, or no group is named, or too many.
        """
        student = self.students.get(student_id)
        if student.version != expected:
            raise VersionConflict(
                f"{student_id} was changed since you read it. Read the record again, then repeat your change."
            )
        changed = replace(
            student,
            name=student.name if name is None else checked_name(name),
            groups=student.groups if group_ids is None else _checked_groups(group_ids),
            version=expected + 1,
        )
        self.groups.ensure(changed.groups - student.groups)
        self.students.update(changed)
        return changed

    def group_names(self) -> dict[GroupId, str]:
        """Return the names of all groups."""
        return {group.id: group.name for group in self.groups.find()}

    def ensure_groups(self, names: Mapping[GroupId, str]) -> None:
        """Create those groups that do not exist, with these names."""
        self.groups.ensure(names, names)

    def agree(self, student_id: StudentId, by: UserId) -> Student:
        """Record that a registered student agreed to the present consent wording; template and photo stay.

        If it is repeated, the first statement of this wording stays.

        Args:
            by: the user who records it.

        Raises:
            StudentNotFound: nobody has this id.
            NotRegistered: the student is not registered, or withdrew consent: register the student again.
        """
        student = self.students.get(student_id)
        earlier = student.consent
        if student.registered_at is not None and earlier is not None and earlier.wording == CONSENT_WORDING:
            return student
        renewed_after = None if earlier is None else earlier.renewed_after
        consent = Consent(self.now(), CONSENT_WORDING, stated_by=by, renewed_after=renewed_after)
        return self.students.agree(student_id, consent)

    def withdraw(self, student_id: StudentId) -> Student:
        """Record that a student withdrew consent, and remove everything used to recognise them.

        Heads, uploads and stored responses are deleted as in `erase`, in the same order and for the same reasons.

        Raises:
            StudentNotFound: nobody has this id.
        """
        student = self.students.get(student_id)
        if student.consent is None:
            return student
        self._forget_around(student_id)
        student = self.students.withdraw(student_id, self.now())
        self._forget_around(student_id)
        self.request_training()
        return student

    def learned_faces(self, student_id: StudentId) -> tuple[LearnedFace, ...]:
        """Return the faces that a student's template learned from, oldest first; none without a template.

        Raises:
            StudentNotFound: nobody has this id.
        """
        try:
            return self.students.template(student_id).learned
        except NotRegistered:
            return ()

    def forget_faces(self, student_id: StudentId, face_id: FaceId | None = None) -> int:
        """Remove one or all of the faces that a student's template learned from; return how many there were.

        Embeddings from the registration photo stay. Use this to undo learning from a session that retention removed.

        Args:
            face_id: the face; None removes all.

        Raises:
            StudentNotFound: nobody has this id.
            NotRegistered: the student has no template.
            FaceNotFound: the template did not learn from this face.
        """
        learned = self.students.template(student_id).learned_ids
        if face_id is not None and face_id not in learned:
            raise FaceNotFound(f"Nothing was learned from the face {face_id[:80]}. List the student's learned faces.")
        forgotten = sum(
            self.students.unlearn(student_id, known) for known in (learned if face_id is None else (face_id,))
        )
        if forgotten:
            # The heads were trained on these faces too.
            self.request_training()
        return forgotten

    def erase(self, student_id: StudentId) -> None:
        """Erase a student, and every head, since each may have been trained on them; request a new one.

        Pending uploads that would register the student again are deleted, and so are stored responses to repeated
        requests, which may contain the name. All this is deleted first: if the process is killed, the student still
        exists and can be erased again. It is deleted once more afterwards, since concurrent requests or training runs
        may have stored something (`TrainingRun` handles the rest).

        Raises:
            StudentNotFound: nobody has this id.
        """
        self.students.get(student_id)
        self._forget_around(student_id)
        self.students.erase(student_id)
        self._forget_around(student_id)
        self.request_training()

    def traces(self, student_id: StudentId) -> list[str]:
        """Search the whole store for an id; return where it is found, one line each."""
        return self.students.traces(student_id)

    def _forget_around(self, student_id: StudentId) -> None:
        self.heads.delete_all()
        if self.uploads is not None:
            self.uploads.forget(student_id)
        self.idempotency.clear()


def _checked_groups(group_ids: Collection[GroupId]) -> frozenset[GroupId]:
    if not group_ids:
        raise InvalidRequest("Name at least one group that the student belongs to.")
    return frozenset(group_ids)
