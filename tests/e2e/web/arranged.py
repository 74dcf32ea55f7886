"""A class whose photos are really read, and whose faces then get the names that a test arranges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from muster.composition.local import LocalServices
from muster.domain.attendance import Mark, MarkSource, MarkStatus
from muster.domain.faces import Candidate, Decision
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, PhotoId, StudentId
from muster.packs.manifest import shipped_spec
from muster.services.roll_call.results import RollCallResult
from tests.contract.examples import a_student, a_template

GROUP = GroupId("7b")
NAMES = ("Amara Okafor", "Eileen Collins", "Joe Biden", "Barack Obama", "Eva Novak", "Farid Haidari")
"""Of the class; those who have no photo of their own among the samples stand in for one another."""

_PORTRAITS = (
    ("photos/group.jpg", (53, 70, 425, 535)),
    ("photos/group.jpg", (625, 45, 1005, 520)),
    ("gallery/joe_biden.jpg", (0, 0, 970, 1212)),
)

LIKELY, UNLIKELY, SURE = 4.0, 0.0, 12.0
"""Log-odds of a proposal that is confirmed with others, of one that is asked about alone, and of a mark."""


@dataclass(frozen=True)
class Shown:
    """What a face of the next photo shows: a student, by number, and how certain that is."""

    student: int
    decision: Decision
    log_odds: float


def marked(student: int) -> Shown:
    return Shown(student, Decision.PRESENT, SURE)


def likely(student: int) -> Shown:
    return Shown(student, Decision.REVIEW, LIKELY - student / 10)


def unlikely(student: int) -> Shown:
    return Shown(student, Decision.REVIEW, UNLIKELY - student / 10)


class ArrangedDetection:
    """Reads photos as the system does and then gives their faces, from left to right, the arranged names.

    Args:
        photos: what the faces of each photo show, in the order in which the photos come.
    """

    def __init__(self, system: LocalServices, photos: Sequence[Sequence[Shown]]) -> None:
        self._system = system
        self._photos = list(photos)
        self._statuses: dict[int, MarkStatus] = {}

    def detect(self, *arguments: Any, **options: Any) -> RollCallResult:
        """Read the photos; see `RollCalls.detect`."""
        read = self._system.detection.detect(*arguments, **options)
        for photo in read.photos:
            self._name_faces(read, photo.id, self._photos.pop(0))
        sessions = self._system.stores.sessions
        ids = {photo.id for photo in read.photos}
        return replace(
            read,
            photos=tuple(photo for photo in sessions.photos(read.session.id) if photo.id in ids),
            marks=self._system.sessions.get(read.session.id).marks,
            taken=self._system.sessions.get(read.session.id).taken,
        )

    def _name_faces(self, read: RollCallResult, photo_id: PhotoId, shown: Sequence[Shown]) -> None:
        sessions, session_id = self._system.stores.sessions, read.session.id
        (photo,) = [photo for photo in sessions.photos(session_id) if photo.id == photo_id]
        faces = sorted(photo.faces, key=lambda face: face.box[0])
        assert len(faces) >= len(shown), f"{len(faces)} faces were found"
        named = [
            replace(
                face,
                decision=what.decision,
                student_id=student_id(what.student),
                log_odds=what.log_odds,
                candidates=(Candidate(student_id(what.student), 0.6),),
            )
            for face, what in zip(faces, shown, strict=False)
        ]
        # Whatever the faces were taken for does not count.
        nobody = [
            replace(face, decision=Decision.UNKNOWN, student_id=None, log_odds=None, candidates=())
            for face in faces[len(shown) :]
        ]
        for what in shown:
            if self._statuses.get(what.student) is not MarkStatus.PRESENT:
                self._statuses[what.student] = MarkStatus(what.decision.value)
        marks = [
            Mark(
                student_id(number),
                self._statuses.get(number, MarkStatus.ABSENT),
                MarkSource.PHOTO,
                photo.received_at,
            )
            for number in range(len(NAMES))
        ]
        version = sessions.get(session_id).version
        sessions.amend(session_id, version, faces=[*named, *nobody], marks=marks)


def student_id(number: int) -> StudentId:
    return StudentId(f"s{number}")


def settle(system: LocalServices, samples: Path) -> None:
    """Register a class of six."""
    width = sum(shipped_spec("embedded").sizes)
    for number, name in enumerate(NAMES):
        student = a_student(student_id(number), name=name, groups=[GROUP])
        photo = jpeg(ImageOps.mirror(portrait(samples, number)))
        system.stores.students.add(student, a_template(student.id, pack=system.pack, width=width), photo)
    system.stores.groups.add(Group(GROUP, "Class 7b"))


def lineup(samples: Path, faces: int, shade: int = 0) -> dict[str, Any]:
    """Return a photo to choose, with so many faces side by side; another shade is another photo."""
    width, height = 240, 300
    canvas = Image.new("RGB", (faces * width, height + 60), (shade, 90, 90))
    for place in range(faces):
        canvas.paste(portrait(samples, place).resize((width, height)), (place * width, 60))
    return {"name": f"{shade}.jpg", "mimeType": "image/jpeg", "buffer": jpeg(canvas)}


def portrait(samples: Path, number: int) -> Image.Image:
    """Return the picture of one of three people; each stands for two students."""
    file, box = _PORTRAITS[number % len(_PORTRAITS)]
    return Image.open(samples / file).convert("RGB").crop(box)


def jpeg(picture: Image.Image) -> bytes:
    """Write a picture as JPEG."""
    content = BytesIO()
    picture.save(content, "JPEG", quality=92)
    return content.getvalue()
