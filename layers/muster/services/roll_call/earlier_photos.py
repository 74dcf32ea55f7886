"""Evidence from the photos that a session already has."""

from collections.abc import Iterable, Mapping, Sequence

from muster.arrays import FloatArray
from muster.domain.attendance import FaceChange, SessionPhoto
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import FaceId, PhotoId, StudentId
from muster.recognition.calibration import HIGHEST_RATIO, LOWEST_RATIO
from muster.recognition.matcher import lowest_ratios


def other_photos(photo_id: PhotoId, photos: Iterable[SessionPhoto]) -> list[SessionPhoto]:
    """Return every photo but this one, each once, as it was read last.

    Photos that are sent again are both stored and read; counted twice, their evidence would be too strong.
    """
    return list({photo.id: photo for photo in photos if photo.id != photo_id}.values())


def earlier_ratios(
    photos: Iterable[SessionPhoto], student_ids: Sequence[StudentId], decided: Mapping[FaceId, FaceChange]
) -> list[FloatArray]:
    """Return saturated log-likelihood ratios of each photo's faces, float32 (N, S), for `identify`.

    A face that a person named certainly shows that student. A face that a person declared to show no student of the
    group is left out. Photos from before ratios were stored give no evidence.

    Args:
        student_ids: S ids, the columns.
        decided: the last decision of a person on each face, if any.
    """
    column = {student: number for number, student in enumerate(student_ids)}
    rows = [
        [row for face in photo.faces if (row := _row(face, column, decided.get(face.face_id))) is not None]
        for photo in photos
    ]
    return [_matrix(photo, len(student_ids)) for photo in rows if photo]


def _row(face: IdentifiedFace, column: Mapping[StudentId, int], change: FaceChange | None) -> dict[int, float] | None:
    if change is not None:
        named = change.after[1]
        return None if named is None or named not in column else {column[named]: HIGHEST_RATIO}
    known = {
        column[candidate.student_id]: candidate.log_likelihood_ratio
        for candidate in face.candidates
        if candidate.log_likelihood_ratio is not None and candidate.student_id in column
    }
    return known or None


def _matrix(rows: Sequence[Mapping[int, float]], students: int) -> FloatArray:
    ratios = lowest_ratios(len(rows), students)
    for row, known in zip(ratios, rows, strict=True):
        for number, ratio in known.items():
            row[number] = max(ratio, LOWEST_RATIO)
    return ratios
