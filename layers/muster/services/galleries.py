"""Galleries kept ready between requests."""

from collections import OrderedDict
from threading import Lock

from muster.domain.identifiers import GroupId, PackId
from muster.recognition.gallery import Gallery
from muster.storage.ports import StudentStore


class Galleries:
    """The galleries of the groups asked for last, loaded again when their roster changes.

    Args:
        students: where templates come from.
        pack: the model pack whose templates are searched.
        kept: how many galleries stay in memory.
    """

    def __init__(self, students: StudentStore, pack: PackId, kept: int = 16) -> None:
        self._students = students
        self._pack = pack
        self._kept = kept
        self._cached: OrderedDict[GroupId | None, tuple[str, Gallery]] = OrderedDict()
        self._lock = Lock()

    def of(self, group_id: GroupId | None) -> Gallery:
        """Return the gallery of a group, or of the whole school.

        The version is read before the templates: a roster that changes in between is noticed at the next call.
        """
        version = self._students.roster_version(group_id)
        with self._lock:
            cached = self._cached.get(group_id)
            if cached is not None and cached[0] == version:
                self._cached.move_to_end(group_id)
                return cached[1]
        gallery = Gallery.from_templates(self._students.templates(group_id), self._pack)
        with self._lock:
            self._cached[group_id] = (version, gallery)
            self._cached.move_to_end(group_id)
            while len(self._cached) > self._kept:
                self._cached.popitem(last=False)
        return gallery
