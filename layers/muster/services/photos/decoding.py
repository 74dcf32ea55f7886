"""Decoding the photos of a request one after another, and photos out of the store."""

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
"""Pixels that are held of photos which wait for their turn, 3 bytes each: three or four ordinary phone photos. A photo
beyond that is decoded once more."""


class CheckedPhotos:
    """Photos of one request, all of them known to be readable, with few of them in memory at a time.

    Args:
        decode: reads one photo.
        images: encoded pictures.
        held_pixels: most pixels kept in memory for photos whose turn has not come.

    Raises:
        EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: one photo cannot be read; the message says which.
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
            # The first is looked at next, whatever its size.
            if held_pixels >= 0 or index == 0:
                self._held[index] = photo
            del photo

    def __iter__(self) -> Iterator[tuple[bytes, Photo]]:
        """Return each encoded picture with its pixels, once."""
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
    """Decode a photo out of the store, where a damaged one is no fault of the person who looks at it.

    Raises:
        StoredPhotoDamaged: the store's copy cannot be read.
    """
    try:
        return decode(content)
    except (DamagedImage, EmptyUpload, ImageTooLarge, UnsupportedImage) as error:
        raise StoredPhotoDamaged(
            "The server's copy of this photo is damaged: restore it from a backup, or send the photo again."
        ) from error
