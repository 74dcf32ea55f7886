"""Drawing of recognition results onto a photo."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import StudentId

# Okabe and Ito's palette, which colour-blind people can distinguish. The label also contains the decision.
_COLOURS = {Decision.PRESENT: (0, 158, 115), Decision.REVIEW: (230, 159, 0), Decision.UNKNOWN: (86, 90, 98)}

Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""

_LONGEST_SIDE = 2048
_JPEG_QUALITY = 85


def annotate(pixels: NDArray[np.uint8], faces: Sequence[IdentifiedFace], names: Mapping[StudentId, str]) -> bytes:
    """Draw each face's box and name.

    Args:
        pixels: uint8 (H, W, 3) RGB.
        names: names of the students; the id replaces a name that the built-in font cannot draw.

    Returns:
        A JPEG, its longer side at most 2048 pixels.
    """
    picture = Image.fromarray(pixels)
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.BILINEAR)
    scale = picture.width / pixels.shape[1]
    draw = ImageDraw.Draw(picture)
    line = max(2, round(max(picture.size) / 500))
    font = ImageFont.load_default(max(14, round(max(picture.size) / 70)))
    boxes = [_scaled(face, scale) for face in faces]
    for face, box in zip(faces, boxes, strict=True):
        draw.rectangle(box, outline=_COLOURS[face.decision], width=line)
    taken: list[Rectangle] = []
    for face, box in zip(faces, boxes, strict=True):
        others = [other for other in boxes if other != box]
        taken.append(_label(draw, box, others + taken, _text(face, names), font, _COLOURS[face.decision]))
    encoded = BytesIO()
    picture.save(encoded, "JPEG", quality=_JPEG_QUALITY)
    return encoded.getvalue()


def _text(face: IdentifiedFace, names: Mapping[StudentId, str]) -> str:
    if face.student_id is None:
        return "unknown"
    name = names.get(face.student_id, face.student_id)
    # Pillow's built-in font is Latin only; other scripts would be drawn as boxes.
    shown = name if all(ord(character) < 0x250 for character in name) else str(face.student_id)
    return f"{shown}?" if face.decision is Decision.REVIEW else shown


def _scaled(face: IdentifiedFace, scale: float) -> Rectangle:
    x, y, width, height = (round(value * scale) for value in face.box)
    return x, y, x + width, y + height


def _label(
    draw: ImageDraw.ImageDraw,
    box: Rectangle,
    taken: Sequence[Rectangle],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
) -> Rectangle:
    """Write on a filled strip beside the box, where it covers the least of `taken`, and return the strip."""
    left, top, right, bottom = (round(edge) for edge in draw.textbbox((0, 0), text, font=font))
    pad = max(3, (bottom - top) // 4)
    size = right - left + 2 * pad, bottom - top + 2 * pad
    places = _places(box, size, draw.im.size)
    # `min` keeps the first of equals, so a label is above its face unless something is in the way.
    strip = min(places, key=lambda place: sum(_overlap(place, other) for other in (*taken, box)))
    draw.rectangle(strip, fill=colour)
    draw.text((strip[0] + pad - left, strip[1] + pad - top), text, font=font, fill=(255, 255, 255))
    return strip


def _places(box: Rectangle, size: tuple[int, int], picture: tuple[int, int]) -> list[Rectangle]:
    """Return the strips of a size above and below a box, aligned left, in the middle and right, inside the picture."""
    width, height = size
    left, top, right, bottom = box
    rows = [row for row in (top - height, bottom) if 0 <= row <= picture[1] - height]
    columns = (left, (left + right - width) // 2, right - width)
    inside = [min(max(0, column), max(0, picture[0] - width)) for column in columns]
    return [(x, y, x + width, y + height) for y in rows or [max(0, top)] for x in inside]


def _overlap(one: Rectangle, other: Rectangle) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)
