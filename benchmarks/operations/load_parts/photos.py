"""Photos that differ from each other: crops of the samples, and rows of faces of Labeled Faces in the Wild."""

import io
import random

from PIL import Image

from benchmarks.lib.photos import PHOTOS, SAMPLES

LFW = PHOTOS / "lfw"


class Photos:
    """Makes photos that differ in their pixels; one instance per thread.

    Args:
        seed: of what is cropped how.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._people = sorted(path for path in LFW.glob("*/*.jpg")) if LFW.is_dir() else []

    def portrait(self) -> bytes:
        """Crop one of the two sample portraits."""
        name = self._random.choice(("barack_obama", "joe_biden"))
        image = Image.open(SAMPLES / "gallery" / f"{name}.jpg").convert("RGB")
        if name == "joe_biden":
            image = image.crop((0, 0, image.width, 1200))
        return self._encoded(self._cropped(image))

    def group(self) -> bytes:
        """Crop the sample group photo, or put nine faces of Labeled Faces in the Wild side by side."""
        if not self._people or self._random.random() < 0.5:
            return self._encoded(self._cropped(Image.open(SAMPLES / "photos" / "group.jpg").convert("RGB")))
        sheet = Image.new("RGB", (3 * 320, 3 * 320), (90, 90, 90))
        for index, path in enumerate(self._random.sample(self._people, 9)):
            face = Image.open(path).convert("RGB").resize((300, 300))
            sheet.paste(face, (index % 3 * 320 + 10, index // 3 * 320 + 10))
        return self._encoded(sheet)

    def _cropped(self, image: Image.Image) -> Image.Image:
        left, top, right, bottom = (self._random.randrange(24) for _ in range(4))
        return image.crop((left, top, image.width - right, image.height - bottom))

    def _encoded(self, image: Image.Image) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=self._random.randrange(80, 95), comment=self._random.randbytes(16))
        return buffer.getvalue()
