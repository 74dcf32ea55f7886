"""Decoding of untrusted uploads to upright pixels."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from muster.domain.errors import DamagedImage, EmptyUpload, ImageTooLarge, UnsupportedImage
from muster.vision.formats import DEFAULT_IMAGE_LIMITS, PILLOW_FORMATS, ImageLimits
from muster.vision.jpeg_end import restore_end_marker

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

_ACCEPTED = "Send a JPEG, PNG, WebP or HEIC photo."

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""Exceptions that Pillow and pillow-heif raise on invalid bytes; tests/unit/test_decode.py feeds them such bytes."""

# EXIF 2.32, tag 0x0112: the operation that turns a stored picture upright.
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, 0xD8})

_MAX_SEGMENTS = 2_000
"""Most segments of a JPEG that are counted. The largest metadata of cameras takes about 200, of 64 kB each."""


@dataclass(frozen=True, eq=False, slots=True)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: uint8 (H, W, 3), RGB (sRGB), upright, C-contiguous.
        digest: SHA-256 of the file's bytes, lower-case hexadecimal.
    """

    pixels: NDArray[np.uint8]
    digest: str

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])


Decode = Callable[[bytes], Photo]
"""A function like `decode`, in this process or another."""


def decode(data: bytes, limits: ImageLimits = DEFAULT_IMAGE_LIMITS) -> Photo:
    """Read a JPEG, PNG, WebP or HEIC photo; see `decode_image`."""
    return Photo(np.array(decode_image(data, limits), dtype=np.uint8, order="C"), sha256(data).hexdigest())


def decode_image(data: bytes, limits: ImageLimits = DEFAULT_IMAGE_LIMITS) -> Image.Image:
    """Read a JPEG, PNG, WebP or HEIC photo as an upright picture with the mode RGB.

    EXIF orientation is applied, transparency is composited on white, and embedded colour profiles are converted to
    sRGB. Grey, palette, CMYK and 16-bit pictures become 8-bit RGB. Size limits are checked before pixels are decoded.
    A JPEG that lacks only its end marker is read.

    Raises:
        EmptyUpload: the file has no bytes.
        ImageTooLarge: the file or the picture exceeds the limits.
        UnsupportedImage: the bytes are not a picture, have another format, or are an animation.
        DamagedImage: the picture is truncated or corrupt.
    """
    if not data:
        raise EmptyUpload("The file is empty: choose the photo again and resend it.")
    if len(data) > limits.file_bytes:
        size, limit = len(data) / 1e6, limits.file_bytes / 1e6
        raise ImageTooLarge(f"The file is {size:.0f} MB; the limit is {limit:.0f} MB. Send a smaller photo.")
    image = _open(data, limits)
    _check_cost(image, data, limits)
    try:
        image.load()
        # Conversions parse further parts of the file: colour profile, palette, transparency.
        return _to_rgb(_apply_orientation(image, data))
    except DECODER_ERRORS as error:
        if (completed := restore_end_marker(data)) is not None:
            return decode_image(completed, limits)
        raise DamagedImage("The photo is damaged or incomplete: send it again, or take a new one.") from error


def _open(data: bytes, limits: ImageLimits) -> Image.Image:
    """Read only the header."""
    try:
        return Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(_pixel_limit_message(limits)) from error
    except DECODER_ERRORS as error:
        known = _format_of(data)
        if known in PILLOW_FORMATS:
            raise DamagedImage("The photo is damaged: send it again, or take a new one.") from error
        what = f"This is a {known} file, which is not supported." if known else "This file is not a picture."
        raise UnsupportedImage(f"{what} {_ACCEPTED}") from error


def _check_cost(image: Image.Image, data: bytes, limits: ImageLimits) -> None:
    # A JPEG of several pictures (MPO) and a HEIC with a burst are ordinary phone photos; their main picture is used.
    if image.format in {"PNG", "WEBP"} and getattr(image, "is_animated", False):
        raise UnsupportedImage("This is an animation: send a still photo, or a single frame of it.")
    area = image.width * image.height
    if area > limits.pixels:
        raise ImageTooLarge(_pixel_limit_message(limits))
    # Pillow calls a JPEG of several pictures MPO. The quick count, which is never too low, suffices for most files.
    allowed = limits.scanned_pixels // max(1, area)
    if image.format in {"JPEG", "MPO"} and data.count(b"\xff\xda") > allowed and count_scans(data) > allowed:
        raise ImageTooLarge("The photo has too many JPEG scans to be read safely: save it as an ordinary JPEG.")


def count_scans(jpeg: bytes) -> int:
    """Count the scans of a JPEG's first picture without decoding it; ITU-T T.81, annex B.

    A file of more than `_MAX_SEGMENTS` segments counts as one scan per byte.
    """
    content = np.frombuffer(jpeg, np.uint8)
    after = content[1:]
    # In a scan's data 0xFF is followed by 0 or by a restart number.
    is_marker = (content[:-1] == 0xFF) & (after != 0) & (after != 0xFF) & ((after < 0xD0) | (after > 0xD7))
    markers = np.flatnonzero(is_marker)
    scans, at = 0, 2
    for _ in range(_MAX_SEGMENTS):
        index = int(np.searchsorted(markers, at))
        if index == len(markers):
            return scans
        marker, at = jpeg[markers[index] + 1], int(markers[index]) + 2
        if marker == _END_OF_IMAGE:
            return scans
        scans += marker == _START_OF_SCAN
        if marker not in _WITHOUT_LENGTH:
            at += int.from_bytes(jpeg[at : at + 2], "big")
    return len(jpeg)


def _pixel_limit_message(limits: ImageLimits) -> str:
    return f"The picture has more than {limits.pixels / 1e6:.0f} megapixels: send a smaller photo."


def _apply_orientation(image: Image.Image, data: bytes) -> Image.Image:
    if image.format == "HEIF":
        # The boxes `irot` and `imir` of a HEIC hold its orientation, which libheif applies. Converters that copy the
        # EXIF of a JPEG write neither; then only the EXIF has it.
        turned = b"irot" in data or b"imir" in data
        orientation = 1 if turned else image.info.get("original_orientation")
    else:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    method = _TRANSPOSITIONS.get(orientation or 1)
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow's own conversion clips at 255 instead of scaling.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        white = Image.new("RGBA", opaque.size, "white")
        image = Image.alpha_composite(white, opaque)
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "CMYK"}:
        image = _to_srgb(image, profile)
    # A conversion that changes nothing would copy the picture.
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert colours to sRGB; 12 ns per pixel. An unusable profile is ignored, as in browsers."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if converted is None else converted


def _format_of(data: bytes) -> str | None:
    """Return the format that the first bytes indicate, or None."""
    starts = {
        b"\xff\xd8\xff": "JPEG",
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"GIF8": "GIF",
        b"II*\x00": "TIFF or raw camera",
        b"MM\x00*": "TIFF or raw camera",
        b"BM": "BMP",
        b"%PDF": "PDF",
        b"<svg": "SVG",
        b"PK\x03\x04": "ZIP or office",
    }
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in {b"heic", b"heix", b"heim", b"heis", b"mif1"}:
            return "HEIF"
        return "AVIF" if brand in {b"avif", b"avis"} else "video"
    if data[:5] == b"<?xml" and b"<svg" in data[:1000]:
        return "SVG"
    return next((name for start, name in starts.items() if data.startswith(start)), None)
