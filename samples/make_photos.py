"""Make the sample photos from the packages named in SOURCES.md.

    python samples/make_photos.py FACE_RECOGNITION_TEST_IMAGES ASTRONAUT_PNG

The first argument is `tests/test_images` of the unpacked `face_recognition` source package, the second
`skimage/data/astronaut.png` of a scikit-image wheel.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image

SIZE = (1366, 768)


def panel(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Cut `box` (left, top, right, bottom) and scale it to the height of the group photo."""
    part = picture.convert("RGB").crop(box)
    return part.resize((round(part.width * SIZE[1] / part.height), SIZE[1]), Image.Resampling.LANCZOS)


def main(test_images: Path, astronaut: Path) -> None:
    """Write the gallery and the two photos beside this file."""
    here = Path(__file__).parent
    (here / "gallery").mkdir(exist_ok=True)
    (here / "photos").mkdir(exist_ok=True)
    shutil.copyfile(test_images / "obama.jpg", here / "gallery" / "barack_obama.jpg")
    shutil.copyfile(test_images / "biden.jpg", here / "gallery" / "joe_biden.jpg")
    left = panel(Image.open(test_images / "obama2.jpg"), (0, 0, 626, 1120))
    right = panel(Image.open(astronaut), (60, 0, 470, 330))
    group = Image.new("RGB", SIZE)
    group.paste(left, (0, 0))
    group.paste(right.crop((0, 0, SIZE[0] - left.width, SIZE[1])), (left.width, 0))
    group.save(here / "photos" / "group.jpg", quality=90)
    dim = Image.open(test_images / "obama3.jpg").convert("RGB")
    dim.thumbnail((1024, 1366), Image.Resampling.LANCZOS)
    dim.save(here / "photos" / "dim.jpg", quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
