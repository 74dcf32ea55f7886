"""Galleries kept in memory between requests."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from muster.domain.errors import RecordDamaged
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import Template
from muster.recognition.gallery import Gallery
from muster.recognition.scoring import Population, PreparedGallery, prepare
from muster.storage.ports import StagedTemplates, StudentStore

_ATTEMPTS = 3


@dataclass(frozen=True, eq=False, slots=True)
class _Cached:
    version: str
    gallery: PreparedGallery
    registration_photos: Mapping[str, StudentId]


class Galleries:
    """The most recently used galleries, loaded again when their roster changes.

    Args:
        students: the store of the templates.
        pack: the model pack of the templates.
        population: of that pack, for the normalisation of scores.
        staging: templates of this pack while students move to it or from it.
        kept: number of galleries in memory.
    """

    def __init__(
        self,
        students: StudentStore,
        pack: PackId,
        population: Population,
        staging: StagedTemplates | None = None,
        kept: int = 16,
    ) -> None:
        self._students = students
        self._staging = staging
        self._pack = pack
        self._population = population
        self._kept = kept
        self._cached: OrderedDict[GroupId | None, _Cached] = OrderedDict()
        self._lock = Lock()

    def of(self, group_id: GroupId | None) -> PreparedGallery:
        """Return the gallery of a group, or of the whole school, ready to be searched.

        The version is read before the templates, so a roster that changes after that is loaded again at the next call.
        """
        return self._load(group_id).gallery

    def registration_photos(self, group_id: GroupId | None) -> Mapping[str, StudentId]:
        """Return the students of a group by the SHA-256 digest of the photo that each was registered with."""
        return self._load(group_id).registration_photos

    def _load(self, group_id: GroupId | None) -> _Cached:
        version = self._students.roster_version(group_id)
        with self._lock:
            cached = self._cached.get(group_id)
            if cached is not None and cached.version == version:
                self._cached.move_to_end(group_id)
                return cached
        templates = self._templates(group_id)
        for template in templates:
            if comparable(template.pack, self._pack) and template.embeddings.shape[1] != self._population.size:
                raise RecordDamaged(
                    f"The template of {template.student_id} is damaged: register the student again, or restore a "
                    "backup. `muster doctor` lists more."
                )
        gallery = prepare(Gallery.from_templates(templates, self._pack), self._population)
        cached = _Cached(version, gallery, {template.photo_digest: template.student_id for template in templates})
        with self._lock:
            self._cached[group_id] = cached
            self._cached.move_to_end(group_id)
            while len(self._cached) > self._kept:
                self._cached.popitem(last=False)
        return cached

    def _templates(self, group_id: GroupId | None) -> list[Template]:
        """Return templates that can be compared, in use or staged; those of students who have neither cannot be."""
        templates: list[Template] = []
        for _ in range(_ATTEMPTS):
            templates = self._students.templates(group_id)
            others = {
                template.student_id: template for template in templates if not comparable(template.pack, self._pack)
            }
            if self._staging is None or not others:
                return templates
            found = {
                template.student_id: template
                for template in self._staging.find(self._pack, others)
                if template.photo_digest == others[template.student_id].photo_digest
            }
            templates = [found.get(template.student_id, template) for template in templates]
            # A student whose templates were exchanged between the two reads has neither; read again.
            if len(found) == len(others):
                return templates
        return templates
