"""A class with a term behind it, made through the API."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
from PIL import Image, ImageFilter

GROUP: Final = "7b"

STUDENTS: Final = {
    "0001": "Amara Okafor",
    "0002": "Ben Lindqvist",
    "0003": "Chiara Rossi",
    "0004": "Dilan Kaya",
    "0005": "Eva Novak",
    "0006": "Farid Haidari",
    "0007": "Grace Mensah",
    "0008": "Hiro Tanaka",
    "0009": "Ida Berg",
}
"""Made-up people, on the roster without a photo."""

REGISTERED: Final = {"barack_obama": "Barack Obama", "joe_biden": "Joe Biden"}

_STATUSES: Final = "pppppapplpppepppapplppppppepaappplppp"
_WORDS: Final = {"p": "present", "a": "absent", "l": "late", "e": "excused"}
_TERM: Final = 12


def settle(api: httpx.Client, samples: Path) -> None:
    """Register the students and keep the register of a term."""
    for identifier, name in REGISTERED.items():
        photo = (samples / "gallery" / f"{identifier}.jpg").read_bytes()
        fields = {"student_id": identifier, "name": name, "group_id": GROUP, "consent": "true"}
        api.post("/register/register-student", data=fields, files={"image": photo}).raise_for_status()
    _change(api, f"/v1/groups/{GROUP}", {"name": "Class 7b"})
    for identifier, name in STUDENTS.items():
        new = {"student_id": identifier, "name": name, "group_ids": [GROUP]}
        api.post("/v1/students", json=new).raise_for_status()
    everyone = sorted([*STUDENTS, *REGISTERED])
    yesterday = datetime.now(UTC).replace(hour=8, minute=15, second=0, microsecond=0) - timedelta(days=1)
    for week in range(_TERM):
        started = (yesterday - timedelta(weeks=_TERM - 1 - week)).isoformat()
        session = api.post("/v1/sessions", json={"group_id": GROUP, "started_at": started}).json()
        marks = [
            {"student_id": student, "status": _WORDS[_STATUSES[(7 * week + 5 * place) % len(_STATUSES)]]}
            for place, student in enumerate(everyone)
        ]
        _change(api, f"/v1/sessions/{session['session_id']}/marks", {"marks": marks})


def uncertain(samples: Path) -> bytes:
    """A photo so unsharp that the student in it is asked about."""
    picture = Image.open(samples / "photos" / "group.jpg").convert("RGB")
    small = picture.resize((picture.width * 27 // 100, picture.height * 27 // 100))
    content = BytesIO()
    small.filter(ImageFilter.GaussianBlur(2.5)).resize(picture.size).save(content, "JPEG")
    return content.getvalue()


_shades = count()


def group_photos(samples: Path) -> list[dict[str, Any]]:
    """Make the two photos of a roll call, other files each time: a phone's camera takes none twice."""
    shade, made = next(_shades) * 20 % 256, []
    for name in ("group", "dim"):
        picture = Image.open(samples / "photos" / f"{name}.jpg").convert("RGB")
        picture.paste((shade, 128, 128), (0, 0, 16, 16))
        content = BytesIO()
        picture.save(content, "JPEG", quality=92)
        made.append({"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()})
    return made


def crowd(samples: Path, side: int = 10) -> bytes:
    """A photo of side x side faces, all of one student."""
    width, height = 240, 300
    face = Image.open(samples / "gallery" / "barack_obama.jpg").convert("RGB").resize((width, height))
    canvas = Image.new("RGB", (side * width, side * height))
    for place in range(side * side):
        canvas.paste(face, (place % side * width, place // side * height))
    content = BytesIO()
    canvas.save(content, "JPEG", quality=90)
    return content.getvalue()


def _change(api: httpx.Client, path: str, change: dict[str, Any]) -> None:
    version = api.get(path.removesuffix("/marks")).headers["etag"]
    api.patch(path, json=change, headers={"If-Match": version}).raise_for_status()
