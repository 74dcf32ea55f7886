"""Galleries kept ready between requests."""

from collections import OrderedDict
from threading import Lock

from muster.domain.identifiers import GroupId, PackId
from muster.recognition.gallery import Gallery
from muster.recognition.scoring import Population, PreparedGallery, prepare
from muster.storage.ports import StudentStore


class Galleries:
    """The galleries of the groups asked for last, loaded again when their roster changes.

    Args:
        students: where templates come from.
        pack: the model pack whose templates are searched.
        population: of that pack, for the normalisation of scores.
        kept: how many galleries stay in memory.
    """

    def __init__(self, students: StudentStore, pack: PackId, population: Population, kept: int = 16) -> None:
        self._students = students
        self._pack = pack
        self._population = population
        self._kept = kept
        self._cached: OrderedDict[GroupId | None, tuple[str, PreparedGallery]] = OrderedDict()
        self._lock = Lock()

    def of(self, group_id: GroupId | None) -> PreparedGallery:
        """Return the gallery of a group, or of the whole school, ready to be searched.

        The version is read before the templates: a roster that changes in between is noticed at the next call.
        """
        version = self._students.roster_version(group_id)
        with self._lock:
            cached = self._cached.get(group_id)
            if cached is not None and cached[0] == version:
                self._cached.move_to_end(group_id)
                return cached[1]
        gallery = prepare(Gallery.from_templates(self._students.templates(group_id), self._pack), self._population)
        with self._lock:
            self._cached[group_id] = (version, gallery)
            self._cached.move_to_end(group_id)
            while len(self._cached) > self._kept:
                self._cached.popitem(last=False)
        return gallery
