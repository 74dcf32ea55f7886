"""Search of the whole school for a student who is already registered."""

from muster.arrays import FloatArray
from muster.domain.identifiers import StudentId
from muster.recognition.scoring import PreparedGallery, score
from muster.recognition.thresholds import Thresholds


def find_same_person(probe: FloatArray, gallery: PreparedGallery, thresholds: Thresholds) -> StudentId | None:
    """Return the registered student that a new photo seems to show, if any.

    Stage 1 alone decides, because the head was trained on registered students only.

    Args:
        probe: float32 (D,), unit length.
    """
    if not gallery.size:
        return None
    normalised = score(probe[None], gallery).normalised[0]
    best = int(normalised.argmax())
    threshold = thresholds.present(gallery.size, gallery.population.tail)
    return gallery.gallery.student_ids[best] if normalised[best] >= threshold else None
