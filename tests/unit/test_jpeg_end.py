"""A JPEG that lost only its end marker is read as browsers read it; one that lost pixels is refused."""

import io
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from muster.domain.errors import DamagedImage
from muster.vision.decode import decode

FORMS = pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}, {"quality": 30}],
    ids=["baseline", "progressive", "full colour", "restart markers", "coarse"],
)


def jpeg(options: dict[str, object], width: int = 203, height: int = 117, mode: str = "RGB") -> bytes:
    rows, columns = np.mgrid[:height, :width]
    waves = 128 + 90 * np.sin(columns / 9) * np.cos(rows / 7)
    noise = np.random.default_rng(1).normal(0, 12, (height, width))
    grey = np.clip(waves + noise, 0, 255).astype(np.uint8)
    picture = Image.fromarray(np.stack([grey, grey[::-1], np.roll(grey, 31, axis=1)], axis=2)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@FORMS
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_end_marker_shows_the_same_picture(options: dict[str, object], lost: int) -> None:
    whole = jpeg(options)
    assert whole.endswith(b"\xff\xd9")
    photo = decode(whole[:-lost])
    np.testing.assert_array_equal(photo.pixels, decode(whole).pixels)
    assert photo.digest == sha256(whole[:-lost]).hexdigest()


@FORMS
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_lost_pixels_is_damaged(options: dict[str, object], mode: str) -> None:
    whole = jpeg(options, mode=mode)
    scans = [index for index in range(len(whole)) if whole[index : index + 2] == b"\xff\xda"]
    before_a_scan = [scan - 1 for scan in scans] + [scan + 1 for scan in scans] if len(scans) > 1 else []
    for kept in [*range(len(whole) - 40, len(whole) - 4, 3), len(whole) // 2, len(whole) * 9 // 10, *before_a_scan]:
        with pytest.raises(DamagedImage):
            decode(whole[:kept])
