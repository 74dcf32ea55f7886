"""All students of the school, kept in memory for the search for duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from muster.arrays import FloatArray, unit_rows
from muster.domain.errors import RecordDamaged
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import MeanView
from muster.recognition.duplicates import SchoolGallery
from muster.recognition.gallery import check_pack
from muster.recognition.scoring import Population
from muster.storage.ports import StagedTemplates, StudentStore

_MAX_CHANGED_SHARE = 0.01
"""Share of the students that may change before the population is adapted to them again, which projects all of them:
0.5 s for 20,000. One per cent of the students moves its mean by at most one per cent of the way to their own mean."""


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """The students of one part of the school: unit rows, float32 (n, D), and projected rows, float32 (n, E)."""

    version: str
    student_ids: tuple[StudentId, ...]
    views: FloatArray
    rows: FloatArray

    def changed_from(self, other: "_Part | None") -> int:
        """Return how many students joined, left, or have a different view."""
        if other is None:
            return len(self.student_ids)
        before = dict(zip(other.student_ids, other.views, strict=True))
        changed = sum(
            student_id not in before or not np.array_equal(before[student_id], view)
            for student_id, view in zip(self.student_ids, self.views, strict=True)
        )
        return changed + len(before.keys() - set(self.student_ids))


class School:
    """Every registered student's mean view. A change of the school reloads the part that changed, not the school.

    Args:
        students: the store of the templates.
        pack: the model pack of the templates.
        population: of that pack, for the normalisation of scores.
        staging: templates of this pack while students move to it or from it.
    """

    def __init__(
        self,
        students: StudentStore,
        pack: PackId,
        population: Population,
        staging: StagedTemplates | None = None,
    ) -> None:
        self._students = students
        self._staging = staging
        self._pack = pack
        self._population = population
        self._adapted = population
        self._changed = 0
        self._parts: dict[str, _Part] = {}
        self._gallery = SchoolGallery((), population, np.empty((0, 0), np.float32))
        self._lock = Lock()

    def current(self) -> SchoolGallery:
        """Return the students who are registered now, ready to be searched.

        Versions are read before the views, so a part that changes after that is loaded again at the next call.

        Raises:
            PackMismatch: a student is registered with a pack that cannot be compared.
            RecordDamaged: a view does not have the pack's length.
        """
        with self._lock:
            versions = self._students.school_parts()
            stale = [part for part, version in versions.items() if self._version(part) != version]
            gone = self._parts.keys() - versions.keys()
            if stale or gone:
                self._reload(versions, stale)
            return self._gallery

    def _version(self, part: str) -> str | None:
        known = self._parts.get(part)
        return None if known is None else known.version

    def _reload(self, versions: dict[str, str], stale: Sequence[str]) -> None:
        loaded = {part: self._part(versions[part], views) for part, views in self._students.mean_views(stale).items()}
        parts = {part: loaded.get(part) or self._parts[part] for part in versions}
        left = sum(len(self._parts[part].student_ids) for part in self._parts.keys() - parts.keys())
        changed = self._changed + left + sum(part.changed_from(self._parts.get(name)) for name, part in loaded.items())
        if changed > _MAX_CHANGED_SHARE * sum(len(part.student_ids) for part in parts.values()):
            self._adapted = self._population.adapt_to_students(self._stacked([part.views for part in parts.values()]))
            loaded, changed = parts, 0
        parts |= {name: self._projected(part) for name, part in loaded.items()}
        ids = tuple(student_id for part in parts.values() for student_id in part.student_ids)
        self._gallery = SchoolGallery(ids, self._adapted, self._stacked([part.rows for part in parts.values()]))
        self._parts, self._changed = parts, changed

    def _part(self, version: str, views: Sequence[MeanView]) -> _Part:
        for view in (views := self._of_this_pack(views)):
            check_pack(view, self._pack)
            if view.embedding.shape != (self._population.size,):
                raise RecordDamaged(
                    f"The template of {view.student_id} is damaged: register the student again, or restore a "
                    "backup. `muster doctor` lists more."
                )
        stacked = unit_rows(self._stacked([view.embedding[None] for view in views]))
        return _Part(version, tuple(view.student_id for view in views), stacked, stacked)

    def _of_this_pack(self, views: Sequence[MeanView]) -> Sequence[MeanView]:
        """Replace views that cannot be compared by those of staged templates, where there are any."""
        others = [view.student_id for view in views if not comparable(view.pack, self._pack)]
        if self._staging is None or not others:
            return views
        staged = {template.student_id: template.mean_view() for template in self._staging.find(self._pack, others)}
        return [staged.get(view.student_id, view) for view in views]

    def _projected(self, part: _Part) -> _Part:
        rows = self._adapted.as_gallery_rows(self._adapted.project(part.views))
        return _Part(part.version, part.student_ids, part.views, rows)

    def _stacked(self, arrays: Sequence[FloatArray]) -> FloatArray:
        return np.concatenate(arrays) if arrays else np.empty((0, self._population.size), np.float32)
