"""Photos that come with a request."""

from fastapi import UploadFile

from muster.domain.errors import ImageTooLarge
from muster.vision.formats import DEFAULT_IMAGE_LIMITS


def read_photo(upload: UploadFile) -> bytes:
    """Read an uploaded photo.

    Raises:
        ImageTooLarge: decoding would refuse it for its size; it is refused before it fills memory.
    """
    if upload.size is not None and upload.size > DEFAULT_IMAGE_LIMITS.file_bytes:
        raise ImageTooLarge(
            f"The photo is larger than {DEFAULT_IMAGE_LIMITS.file_bytes // 1_000_000} MB. Send a smaller one."
        )
    return upload.file.read()
