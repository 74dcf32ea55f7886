"""Image formats and sizes that Muster reads."""

from dataclasses import dataclass

PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
"""Pillow's names of the formats."""

MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".heif": "image/heif",
}
"""Media types by the suffix of the file, in lower case."""

PHOTO_SUFFIXES = frozenset(MEDIA_TYPES)
"""Suffixes by which folders and archives are searched for photos."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits on the size and the cost of an upload.

    Attributes:
        file_bytes: largest file, in bytes. A 50-megapixel phone photo takes 8 to 20 MB.
        pixels: most pixels, read from the header before decoding. The default leaves room for the
            largest picture of a 50-megapixel phone sensor, 8192 x 6144.
        scanned_pixels: most pixels times scans of a JPEG. A scan of a few bytes makes the decoder process the whole
            picture again; cameras and editors write up to about 10 scans.
        processor_seconds: most processor time of decoding, enforced by `DecoderPool`. A HEIC of 50 megapixels took up
            to 4.2 s on one core of a server, a JPEG of that size 1 s; a machine half as fast takes twice as long.
    """

    file_bytes: int = 25_000_000
    pixels: int = 52_428_800
    scanned_pixels: int = 1_600_000_000
    processor_seconds: float = 12.0


DEFAULT_IMAGE_LIMITS = ImageLimits()
