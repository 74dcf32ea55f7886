"""Migration of a store to another model pack: students are embedded again from their registration photos."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from muster.domain.errors import Category, MusterError, NotRegistered, StudentNotFound
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import Student, Template
from muster.progress import OnProgress
from muster.storage.ports import StagedTemplates, StudentStore
from muster.vision.decode import Decode
from muster.vision.pipeline import VisionPipeline


@dataclass(frozen=True, slots=True)
class RegisterAgain:
    """A student who cannot be migrated, with the `code` and message of the error."""

    student_id: StudentId
    name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration did.

    Attributes:
        switched: whether the new pack is in use; if not, the old one is, untouched.
        migrated: number of students with a template of the new pack; 0 if nothing was switched.
        again: students who must be registered again.
        without_learned: students whose new template lacks the faces learned from sessions.
        staged: number of students whose new template is ready, before the switch.
    """

    pack: PackId
    switched: bool
    migrated: int
    again: tuple[RegisterAgain, ...]
    without_learned: tuple[StudentId, ...]
    staged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Migrates the students of a store to another pack.

    New templates are staged next to those in use until all are ready, then replace them. If the migration is
    interrupted, the old pack can still be used, and the next run continues where it stopped. Templates that can be
    compared with the new pack's stay.

    Attributes:
        pack: the new pack.
        vision: its models.
        request_training: called once the new pack is in use; it has no head yet.
        decode: decodes the stored photos, which came from uploads, within limits of memory and time.
    """

    pack: PackId
    vision: VisionPipeline
    students: StudentStore
    staging: StagedTemplates
    request_training: Callable[[], None]
    decode: Decode

    def run(
        self, progress: OnProgress, *, leave_out: bool | Collection[StudentId] = False, prepare: bool = False
    ) -> MigrationReport:
        """Embed all students who consent and whose photo is kept, then switch packs if this succeeded for all.

        Args:
            progress: called with each step and the fraction completed, 0 to 1.
            leave_out: switch even if students must be registered again; these stay on the roster, not recognised. A
                collection permits it for the students with these ids only.
            prepare: embed only, and switch nothing.

        Raises:
            StorageFull: the disk is full; the old pack is in use.
            VersionConflict: a student was registered with the old pack during the migration; nothing was switched.
        """
        waiting = self._with_another_pack()
        staged = self.staging.staged(self.pack)
        again = []
        for number, (student, old) in enumerate(waiting):
            progress(f"embedding {student.id}", number / max(len(waiting), 1))
            if staged.get(student.id) == old.photo_digest:
                continue
            try:
                self.staging.stage(self._embedded(student))
            except MusterError as error:
                if error.category is Category.UNAVAILABLE:
                    raise
                again.append(RegisterAgain(student.id, student.name, error.code, str(error)))
        learned = tuple(student.id for student, old in waiting if old.learned)
        ready = len(waiting) - len(again)
        failed = {student.student_id for student in again}
        permitted = leave_out if isinstance(leave_out, bool) else failed <= set(leave_out)
        if prepare or (again and not permitted):
            return MigrationReport(self.pack, False, 0, tuple(again), learned, ready)
        progress("switching", 1.0)
        migrated = self.staging.switch(self.pack, failed)
        self.request_training()
        return MigrationReport(self.pack, True, migrated, tuple(again), learned, ready)

    def _with_another_pack(self) -> list[tuple[Student, Template]]:
        students = {student.id: student for student in self.students.find()}
        templates = [template for template in self.students.templates() if not comparable(template.pack, self.pack)]
        return [(students[template.student_id], template) for template in templates if template.student_id in students]

    def _embedded(self, student: Student) -> Template:
        if student.consent is None or not student.consent.holds:
            raise NotRegistered(f"{student.id} does not agree to be recognised.")
        try:
            photo = self.decode(self.students.photo(student.id))
        except StudentNotFound as error:
            raise StudentNotFound(f"No registration photo of {student.id} is kept.") from error
        views = self.vision.registration_views(photo)
        return Template(student.id, self.pack, views.embeddings, photo.digest)
