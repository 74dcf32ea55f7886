"""The small picture of a student."""

from muster.domain.identifiers import StudentId
from muster.services.photos.decoding import read_stored
from muster.services.photos.thumbnails import small_jpeg
from muster.services.roster.students import Roster
from muster.vision.decode import Decode


def student_picture(student_id: StudentId, roster: Roster, decode: Decode) -> bytes:
    """Return the photo that a student was registered with, as a small JPEG.

    Raises:
        StudentNotFound, NotRegistered: there is no such photo.
        StoredPhotoDamaged: the stored photo cannot be read.
    """
    return small_jpeg(read_stored(decode, roster.photo(student_id)).pixels)
