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
    for face in faces:
        x, y, width, height = (round(value * scale) for value in face.box)
        colour = _COLOURS[face.decision]
        draw.rectangle((x, y, x + width, y + height), outline=colour, width=line)
        _label(draw, (x, y, height), _text(face, names), font, colour)
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


def _label(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int, int],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
) -> None:
    """Write on a filled strip above the box, or below it if there is no room above."""
    x, y, box_height = at
    left, top, right, bottom = (round(edge) for edge in draw.textbbox((0, 0), text, font=font))
    pad = max(3, (bottom - top) // 4)
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = min(max(0, x), max(0, draw.im.size[0] - width))
    y = y - height if y >= height else y + box_height
    draw.rectangle((x, y, x + width, y + height), fill=colour)
    draw.text((x + pad - left, y + pad - top), text, font=font, fill=(255, 255, 255))
