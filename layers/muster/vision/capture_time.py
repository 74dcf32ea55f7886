"""The time at which a photo was taken, from its EXIF data."""

import io
from datetime import datetime, tzinfo

from PIL import Image

from muster.vision.decode import DECODER_ERRORS
from muster.vision.formats import PILLOW_FORMATS

# EXIF 2.32: the directory of photographic data, and in it DateTimeOriginal and OffsetTimeOriginal.
_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL = 0x9003
_OFFSET_TIME_ORIGINAL = 0x9011


def capture_time(data: bytes, zone: tzinfo) -> datetime | None:
    """Return the time at which a photo was taken, from its headers; no pixels are decoded.

    Args:
        data: an encoded picture.
        zone: time zone of the camera's clock, for photos without an offset.

    Returns:
        The time with its zone; None if the file has no readable capture time.
    """
    try:
        with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as image:
            exif = Image.Exif()
            # `getexif` would decode a PNG to find EXIF data after its pixels.
            exif.load(image.info.get("exif", b""))
            tags = exif.get_ifd(_EXIF_IFD)
        return _moment(tags.get(_DATE_TIME_ORIGINAL), tags.get(_OFFSET_TIME_ORIGINAL), zone)
    except (*DECODER_ERRORS, Image.DecompressionBombError):
        return None


def _moment(time: object, offset: object, zone: tzinfo) -> datetime | None:
    taken = datetime.strptime(_text(time), "%Y:%m:%d %H:%M:%S")
    try:
        return taken.replace(tzinfo=datetime.strptime(_text(offset), "%z").tzinfo)
    except ValueError:
        return taken.replace(tzinfo=zone)


def _text(value: object) -> str:
    return value.strip("\0 ") if isinstance(value, str) else ""
