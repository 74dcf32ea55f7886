"""Stores of students and their templates."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from muster.domain.identifiers import FaceId, GroupId, PackId, StudentId
from muster.domain.learning import NewFace
from muster.domain.student import Consent, MeanView, Student, Template


class StudentStore(Protocol):
    """Students, their templates and registration photos."""

    def add(self, student: Student, template: Template, photo: bytes, replaces: Student | None = None) -> None:
        """Store a student: registration photo, template and record.

        The id may be that of a student without a template. Their record is then replaced if its version is the one
        before the new record's; their marks stay.

        Args:
            replaces: the record as the caller read it. A record that differs is not replaced, even one with the same
                version, such as that of a student enrolled after an erasure.

        Raises:
            StudentExists: the id belongs to a registered student, whose data is unchanged.
            VersionConflict: the record without a template was changed concurrently.
            InvalidRequest: the student is in more than 40 groups.
            StorageFull: nothing was stored.
        """

    def replace_photo(self, student: Student, template: Template, photo: bytes, replaces: Student) -> None:
        """Replace registration photo, template and record of a registered student at once.

        The previous photo, template, training copy and staged template are deleted. Learned faces go with them.

        Args:
            student: the new record; name, groups and consent are those of `replaces`.
            replaces: the record as the caller read it.

        Raises:
            StudentNotFound: no student has this id.
            NotRegistered: the student has no photo, or withdrew consent.
            VersionConflict: the record differs from `replaces`.
            StorageFull: nothing was stored, and the previous photo is kept.
        """

    def enrol(self, student: Student) -> None:
        """Store a record without template and photo (`registered_at` is None).

        Raises:
            StudentExists: the id is taken; the stored data is unchanged.
            InvalidRequest: the student is in more than 40 groups.
        """

    def update(self, student: Student) -> None:
        """Replace name and groups of a record, if its version is the one before `student.version`.

        Consent, template and photo are unchanged.

        Raises:
            StudentNotFound: no student has this id.
            VersionConflict: the record has a different version.
            InvalidRequest: the student is in more than 40 groups.
        """

    def withdraw(self, student_id: StudentId, at: datetime) -> Student:
        """Record the withdrawal of consent, and delete everything that the student could be recognised by.

        Deletes template, registration photo and training copy. Faces that were the student's become unknown, and the
        session photos that named the student lose their files. The record, its marks and their changes stay.
        Idempotent.

        Returns:
            The updated record.

        Raises:
            StudentNotFound: no student has this id.
        """

    def agree(self, student_id: StudentId, consent: Consent) -> Student:
        """Replace the consent of a registered student by a newer one; template, photo and groups stay.

        Returns:
            The updated record.

        Raises:
            StudentNotFound: no student has this id.
            NotRegistered: the student is not registered, or withdrew consent.
        """

    def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
        """Add faces to templates with `with_learned_face`; each face is added atomically, the batch is not.

        Also updates training copies and roster versions. Skips students without a template. Idempotent: a template
        learns from a face once.

        Returns:
            The students whose templates changed.
        """

    def unlearn(self, student_id: StudentId, face_id: FaceId) -> bool:
        """Remove a learned row from the template; return whether there was one (False for an unknown student)."""

    def get(self, student_id: StudentId) -> Student:
        """Return one student.

        Raises:
            StudentNotFound: no student has this id.
        """

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id; empty if there are none."""

    def erase(self, student_id: StudentId) -> None:
        """Delete the student's record, template and registration photo, and remove the id from all marks and faces.

        The rest is anonymous: a face that was the student's becomes unknown, a mark is counted in `Session.erased`, and
        changes keep their time and user but not the id. Session photos that name the student, or named the student
        before a person changed it, lose their files, since they may show the face.

        Raises:
            StudentNotFound: no student has this id.
        """

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template.

        Raises:
            StudentNotFound: no student has this id.
            NotRegistered: the student has no template.
        """

    def templates(self, group_id: GroupId | None = None) -> list[Template]:
        """Return the templates of a group, or all, ordered by student id, in a few reads."""

    def roster_version(self, group_id: GroupId | None = None) -> str:
        """Return an opaque string that changes whenever the group's members or their templates change."""

    def school_parts(self) -> dict[str, str]:
        """Return the parts that the store divides the school into, with their versions.

        The version of a part changes whenever a template of its students does; it is an opaque string.
        """

    def mean_views(self, parts: Collection[str]) -> dict[str, list[MeanView]]:
        """Return the mean views of the registered students of some parts, by part.

        They are at least as new as the versions that `school_parts` returned before, and accurate to 0.1 %.
        """

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent.

        Raises:
            StudentNotFound: no student has this id, or the photo's retention has ended.
        """

    def traces(self, student_id: StudentId) -> list[str]:
        """Search the whole store, every item and every file name, for an id; empty after `erase`.

        Reads everything, so it is not meant for normal requests.

        Returns:
            One readable line per place that contains the id.
        """


class StagedTemplates(Protocol):
    """Templates of another model pack, stored beside those in use. A pack can use those it can be compared with.

    On one machine they are there until all can be switched at once, and nobody reads them before. On AWS the functions
    use those of their pack, and after a switch the templates of the previous pack are kept here until `delete`.
    """

    def packs(self) -> set[PackId]:
        """Return the packs of the templates in use; on one machine cheap enough for every start."""

    def stage(self, template: Template) -> None:
        """Store a student's template of another pack, without learned rows; ignored for students without a template."""

    def staged(self, pack: PackId) -> dict[StudentId, str]:
        """Return the students with a staged template that a pack can use, and the digests of the photos behind them."""

    def find(self, pack: PackId, students: Collection[StudentId]) -> list[Template]:
        """Return the staged templates of some students that a pack can use, in any order."""

    def delete(self) -> int:
        """Delete all staged templates; return how many there were."""

    def switch(self, pack: PackId, leave_out: Collection[StudentId]) -> int:
        """Replace the templates that a pack cannot use by the staged ones that it can, and update roster versions.

        On one machine all are replaced at once. On AWS each student's is replaced atomically, and the previous one
        stays as the staged template.

        The new templates hold no learned faces. Students who are left out keep record and marks, but lose template,
        photo and consent. They are enrolled and can be registered again.

        Returns:
            The number of templates that were switched to the pack.

        Raises:
            VersionConflict: a student who is not left out has neither a template that the pack can use nor a staged
                one made from the present photo; nothing was changed.
        """
