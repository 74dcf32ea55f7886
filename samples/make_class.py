"""Make the class of the demo, `samples/class`, from the pictures named in SOURCES.md.

    python samples/make_class.py ISS_ARCHAEOLOGY ASTRONAUT_PNG

The first argument is a checkout of `kling109/ISS-Archaeology`, the second `skimage/data/astronaut.png` of a
scikit-image wheel. Every picture is cut and made smaller, and nothing else is changed.
"""

import sys
from pathlib import Path

from PIL import Image

Box = tuple[int, int, int, int]

PORTRAITS: dict[str, tuple[str, Box]] = {
    "daniel_barry": ("Data/Portraits/daniel_barry&usa.jpg", (130, 0, 510, 440)),
    "james_voss": ("Data/Input/Expedition 2 Crew.jpg", (1740, 1385, 2120, 1825)),
    "patrick_forrester": ("Data/Portraits/patrick_forrester&usa.jpg", (60, 30, 440, 470)),
    "scott_horowitz": ("Data/Portraits/scott_horowitz&usa.jpg", (560, 60, 2260, 2060)),
    "susan_helms": ("Data/Portraits/susan_helms&usa.jpg", (180, 30, 720, 660)),
}
"""Student, picture, and the part of it (left, top, right, bottom) that shows head and shoulders."""
ABSENT = "eileen_collins"
ABSENT_BOX: Box = (80, 0, 400, 370)
CLASS = ("Data/Input/Expedition 3 Crew.jpg", (640, 460, 2560, 1900))
PORTRAIT_SIZE = (640, 800)
CLASS_SIZE = (1280, 960)


def save(source: Path, box: Box, size: tuple[int, int], target: Path, quality: int = 86) -> None:
    """Cut `box` from a picture, shrink it to at most `size` and write it without metadata."""
    picture = Image.open(source).convert("RGB").crop(box)
    picture.thumbnail(size, Image.Resampling.LANCZOS)
    picture.save(target, quality=quality, optimize=True)


def main(archive: Path, astronaut: Path) -> None:
    """Write `class/gallery` and `class/photos` beside this file."""
    here = Path(__file__).parent / "class"
    for folder in ("gallery", "photos"):
        (here / folder).mkdir(parents=True, exist_ok=True)
    for student, (name, box) in PORTRAITS.items():
        save(archive / name, box, PORTRAIT_SIZE, here / "gallery" / f"{student}.jpg")
    save(astronaut, ABSENT_BOX, PORTRAIT_SIZE, here / "gallery" / f"{ABSENT}.jpg")
    save(archive / CLASS[0], CLASS[1], CLASS_SIZE, here / "photos" / "class.jpg", quality=68)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
