"""The templates of one group as one matrix."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.errors import PackMismatch
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import MeanView, Template

# Rows compared at a time. With 100 probes such a block of cosines (1.6 MB) stays in the second-level cache while it is
# normalised and reduced (benchmarks/operations/matching.py).
_BLOCK_ROWS = 4096


@dataclass(frozen=True, eq=False, slots=True)
class GalleryBlock:
    """A block of consecutive, complete students of a gallery.

    Attributes:
        rows: their rows of the template matrix.
        students: their positions among the gallery's students.
        starts: intp (students,), the first row of each student's views, counted from the first row of the block.
    """

    rows: slice
    students: slice
    starts: NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class Gallery:
    """The templates of S students with T views in total.

    Attributes:
        student_ids: S ids, in ascending order.
        pack: the model pack in use; the embeddings are its own, or can be compared with its own.
        embeddings: float32 (T, D), unit rows, the views of a student in consecutive rows; of any width if T is 0.
        owners: intp (T,), ascending: the position in `student_ids` of each row's student; every student has a row.
        weights: float32 (T,), above 0, the weight of each row in its student's mean, from `Template.row_weights`; None
            if all rows count the same.
    """

    student_ids: tuple[StudentId, ...]
    pack: PackId
    embeddings: FloatArray
    owners: NDArray[np.intp]
    weights: FloatArray | None = None

    @classmethod
    def from_templates(cls, templates: Sequence[Template], pack: PackId) -> "Gallery":
        """Stack templates, given in any order; several of one student are joined, and none give an empty gallery.

        Raises:
            PackMismatch: a template cannot be compared with embeddings of `pack`.
        """
        for template in templates:
            check_pack(template, pack)
        ordered = sorted(templates, key=lambda template: template.student_id)
        student_ids = tuple(dict.fromkeys(template.student_id for template in ordered))
        position = {student_id: index for index, student_id in enumerate(student_ids)}
        views = [len(template.embeddings) for template in ordered]
        return cls(
            student_ids=student_ids,
            pack=pack,
            embeddings=_stacked([template.embeddings for template in ordered]),
            owners=np.repeat(np.array([position[template.student_id] for template in ordered], np.intp), views),
            weights=np.concatenate([np.empty(0, np.float32), *(template.row_weights() for template in ordered)]),
        )

    @property
    def size(self) -> int:
        """The number of students, S."""
        return len(self.student_ids)

    def blocks(self) -> Iterator[GalleryBlock]:
        """Split the template matrix into blocks of complete students, each small enough for the processor's cache."""
        starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        first = 0
        while first < self.size:
            last = max(first + 1, int(np.searchsorted(starts, starts[first] + _BLOCK_ROWS)))
            end = int(starts[last]) if last < self.size else len(self.owners)
            yield GalleryBlock(slice(int(starts[first]), end), slice(first, last), starts[first:last] - starts[first])
            first = last

    def mean_views(self) -> FloatArray:
        """Return the weighted mean of each student's rows, float32 (S, D)."""
        means = np.empty((self.size, self.embeddings.shape[1]), np.float32)
        weights = np.ones(len(self.owners), np.float32) if self.weights is None else self.weights
        for block in self.blocks():
            shares = weights[block.rows, None]
            sums = np.add.reduceat(self.embeddings[block.rows] * shares, block.starts, axis=0)
            means[block.students] = sums / np.add.reduceat(shares, block.starts, axis=0)
        return means

    def similarity(self, probes: FloatArray) -> FloatArray:
        """Compare probes with every student.

        Args:
            probes: float32 (N, D), unit rows, from the gallery's pack.

        Returns:
            float32 (N, S), the cosine (-1 to 1) with the best view of each student.
        """
        best = np.empty((self.size, len(probes)), np.float32)
        for block in self.blocks():
            cosine = self.embeddings[block.rows] @ probes.T
            np.maximum.reduceat(cosine, block.starts, axis=0, out=best[block.students])
        return np.ascontiguousarray(best.T)

    def best_view_cosines(self, probes: FloatArray, students: NDArray[np.intp]) -> FloatArray:
        """Compare each probe with a few students, at a cost that does not grow with the gallery.

        Args:
            probes: float32 (N, D), unit rows, from the gallery's pack.
            students: intp (N, K), positions in `student_ids`.

        Returns:
            float32 (N, K), the cosine (-1 to 1) with the best view of each of them.
        """
        first = np.searchsorted(self.owners, students)
        last = np.searchsorted(self.owners, students, side="right")
        cosines = np.empty(students.shape, np.float32)
        for row, column in np.ndindex(students.shape):
            cosines[row, column] = (self.embeddings[first[row, column] : last[row, column]] @ probes[row]).max()
        return cosines


def check_pack(registered: Template | MeanView, pack: PackId) -> None:
    """Refuse what cannot be compared with embeddings of a pack.

    Raises:
        PackMismatch: `registered` was made by a pack of another embedding space.
    """
    if not comparable(registered.pack, pack):
        raise PackMismatch(
            f"Student {registered.student_id} was registered with the model pack {registered.pack!r}, which cannot be "
            f"compared with {pack!r}: use the pack {registered.pack!r}, or migrate all students with `muster packs "
            "migrate`."
        )


def _stacked(embeddings: list[FloatArray]) -> FloatArray:
    if not embeddings:
        return np.empty((0, 0), np.float32)
    return np.concatenate(embeddings).astype(np.float32, copy=False)
