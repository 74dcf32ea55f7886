"""Repair of JPEG files that lack only their end marker, which browsers display anyway."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_END = b"\xff\xd9"
_START_OF_SCAN = b"\xff\xda"
_COEFFICIENTS = 64
"""Coefficients of a component's block of 8 x 8 pixels."""

_FILLERS = (b"\xaa" * 64, b"\x55" * 64, b"\xfe" * 64)
"""Filler that a decoder reads in place of missing pixels, in addition to the zeros that libjpeg assumes."""


def restore_end_marker(data: bytes) -> bytes | None:
    """Return a JPEG file with the end marker that it lacks.

    A file that was cut off earlier lacks coded pixels as well. A decoder then decodes the bytes that follow as pixels,
    whereas a complete picture does not depend on them. So the file is decoded several times with different bytes
    appended.

    Args:
        data: bytes of a JPEG file that has passed the limits on its size.

    Returns:
        The completed file, or None if it has an end marker, lacks more, or cannot be decoded.
    """
    if not data.startswith(b"\xff\xd8") or data.rfind(_END) > data.rfind(_START_OF_SCAN):
        return None
    # A file that lost its last byte ends with the first half of the marker.
    scanned = data.rstrip(b"\xff")
    completed = scanned + _END
    try:
        pixels = _pixels(completed)
        same = _has_all_scans(completed) and all(
            np.array_equal(pixels, _pixels(scanned + filler + _END)) for filler in _FILLERS
        )
    except (OSError, SyntaxError, ValueError, IndexError):
        return None
    return completed if same else None


def _pixels(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return np.asarray(image)


def _has_all_scans(data: bytes) -> bool:
    """Return whether the scans hold every coefficient of every component in full precision.

    A progressive picture that was cut off between two scans is decoded without an error, only more coarsely.
    """
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        components = len(image.getbands())
    precise: dict[int, set[int]] = {}
    position = data.find(_START_OF_SCAN)
    while position >= 0:
        # ITU-T T.81, B.2.3: length, components with their tables, first and last coefficient, bit positions.
        scanned = data[position + 4]
        header = data[position + 5 : position + 8 + 2 * scanned]
        first, last, bits = header[2 * scanned :]
        for component in header[: 2 * scanned : 2]:
            known = precise.setdefault(component, set())
            known.update(range(first, last + 1) if bits & 0xF == 0 else ())
        position = data.find(_START_OF_SCAN, position + 2)
    return len(precise) == components and all(len(known) == _COEFFICIENTS for known in precise.values())
