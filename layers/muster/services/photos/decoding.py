"""Decoding of the photos in a request, and of stored photos."""

from collections.abc import Iterator, Sequence

from muster.domain.errors import (
    DamagedImage,
    EmptyUpload,
    ImageTooLarge,
    MusterError,
    StoredPhotoDamaged,
    UnsupportedImage,
)
from muster.vision.decode import Decode, Photo

HELD_PIXELS = 52_428_800
"""Pixels kept in memory for photos that wait to be processed, 3 bytes each: three or four phone photos. Photos beyond
that are decoded a second time."""


class CheckedPhotos:
    """The photos of a request: all are checked first, and few are in memory at a time.

    Args:
        decode: decodes one photo.
        images: encoded pictures.
        held_pixels: maximum pixels kept in memory for photos that wait.

    Raises:
        EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: a photo cannot be read; the message says which one.
    """

    def __init__(self, decode: Decode, images: Sequence[bytes], held_pixels: int = HELD_PIXELS) -> None:
        self._decode = decode
        self._images = images
        self._held: dict[int, Photo] = {}
        self.digests: list[str] = []
        for index, image in enumerate(images):
            photo = self._decoded(index, image)
            self.digests.append(photo.digest)
            held_pixels -= photo.width * photo.height
            # The first is processed next, so it is kept whatever its size.
            if held_pixels >= 0 or index == 0:
                self._held[index] = photo
            del photo

    def __iter__(self) -> Iterator[tuple[bytes, Photo]]:
        """Yield each encoded picture with its pixels, once."""
        for index, image in enumerate(self._images):
            yield image, self._held.pop(index) if index in self._held else self._decoded(index, image)

    def _decoded(self, index: int, image: bytes) -> Photo:
        try:
            return self._decode(image)
        except MusterError as error:
            if len(self._images) == 1:
                raise
            # The teacher must know which of several photos to take again.
            raise type(error)(f"Photo {index + 1} of {len(self._images)}: {error}") from error


def read_stored(decode: Decode, content: bytes) -> Photo:
    """Decode a stored photo; a damaged one is not the fault of the caller.

    Raises:
        StoredPhotoDamaged: the stored photo cannot be read.
    """
    try:
        return decode(content)
    except (DamagedImage, EmptyUpload, ImageTooLarge, UnsupportedImage) as error:
        raise StoredPhotoDamaged(
            "The stored copy of this photo is damaged. Restore it from a backup, or send the photo again."
        ) from error
