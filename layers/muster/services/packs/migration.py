"""Changing the model pack of a store: everyone is embedded anew from the photo that registered them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from muster.domain.errors import Category, MusterError, NotRegistered, PackMismatch, StudentNotFound
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Student, Template
from muster.progress import OnProgress
from muster.storage.ports import StagedTemplates, StudentStore
from muster.vision.decode import Decode
from muster.vision.pipeline import VisionPipeline


@dataclass(frozen=True, slots=True)
class RegisterAgain:
    """A student whom the new models cannot be given: the `code` and sentence of what stands in the way."""

    student_id: StudentId
    name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration did.

    Attributes:
        switched: whether the new pack is in use; if not, the old one is, untouched.
        migrated: students whose template is of the new pack since this run.
        again: who must be registered again.
        without_learned: students whose template had learned from faces of sessions, which the new one has not.
    """

    pack: PackId
    switched: bool
    migrated: int
    again: tuple[RegisterAgain, ...]
    without_learned: tuple[StudentId, ...]


def check_packs(found: Collection[PackId], pack: PackId, names: Callable[[PackId], str]) -> None:
    """Refuse to open a store whose students were registered with another pack.

    Args:
        found: packs of the templates in use.
        names: gives the name under which a pack is chosen; a pack of an earlier version has none and gives its id.

    Raises:
        PackMismatch: there is another pack than `pack`.
    """
    others = sorted(set(found) - {pack})
    if others:
        old = others[0]
        go_on = f"go on with MUSTER_PACK={names(old)}, or take" if names(old) != old else "take"
        raise PackMismatch(
            f"The students of this store are registered with the model pack {old!r}, which cannot be compared with "
            f"{pack!r}: {go_on} them over with `muster packs migrate {names(pack)}`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """The use case of taking a store's students over to another pack.

    New templates are kept beside those in use until there is one of everybody, then take their place at once: cut off
    before, the old pack works as ever, and the next run goes on where this one stopped.

    Attributes:
        pack: the new one, and
        vision: its models.
        request_training: called once the new pack is in use; no head is of it yet, so that training starts afresh.
        decode: reads the stored photos, which came from uploads and must not cost any amount of memory or time.
    """

    pack: PackId
    vision: VisionPipeline
    students: StudentStore
    staging: StagedTemplates
    request_training: Callable[[], None]
    decode: Decode

    def run(self, progress: OnProgress, *, leave_out: bool = False) -> MigrationReport:
        """Embed everyone anew whose photo is kept and whose consent holds, then switch, if nobody is left behind.

        Args:
            progress: told each step and the share done, 0 to 1.
            leave_out: switch even if somebody must be registered again; they stay on the roster, not recognised.

        Raises:
            StorageFull: the disk is full; the old pack is in use.
            VersionConflict: somebody was registered with the old pack meanwhile; nothing was switched.
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
        if again and not leave_out:
            return MigrationReport(self.pack, False, 0, tuple(again), learned)
        progress("switching", 1.0)
        migrated = self.staging.switch(self.pack, {one.student_id for one in again})
        self.request_training()
        return MigrationReport(self.pack, True, migrated, tuple(again), learned)

    def _with_another_pack(self) -> list[tuple[Student, Template]]:
        students = {student.id: student for student in self.students.find()}
        templates = [template for template in self.students.templates() if template.pack != self.pack]
        return [(students[one.student_id], one) for one in templates if one.student_id in students]

    def _embedded(self, student: Student) -> Template:
        if student.consent is None or not student.consent.holds:
            raise NotRegistered(f"{student.id} does not agree to be recognised.")
        try:
            photo = self.decode(self.students.photo(student.id))
        except StudentNotFound as error:
            raise StudentNotFound(f"No registration photo of {student.id} is kept.") from error
        views = self.vision.registration_views(photo)
        return Template(student.id, self.pack, views.embeddings, photo.digest)
