"""Labelled pictures to evaluate on, in one of two folder layouts.

Photos of groups: `gallery/<student_id>.jpg`, `photos/<name>.jpg` and `labels.json`.
Identity folders: `<student_id>/<image>.jpg`, one person alone (or foremost) in each picture.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import StudentId
from muster.vision.formats import PHOTO_SUFFIXES

NOBODY = -1
"""Value in `face_people` for a face that belongs to nobody in the dataset."""

# The endings of the formats that muster.vision.decode reads.


class Form(StrEnum):
    """The layout a dataset was read from."""

    PHOTOS = "photos"
    IDENTITIES = "identities"


@dataclass(frozen=True, eq=False, slots=True)
class Dataset:
    """People, pictures and the labelled faces in them.

    Attributes:
        people: P student ids, in ascending order.
        pictures: every picture, of registration and of probes.
        registrable: for each person the indices of the pictures that may register them. Empty for a person with a
            single picture, who can only be a stranger.
        face_pictures: intp (F,), the picture of each labelled face. A face is searched in the rounds in which its
            picture registers nobody.
        face_boxes: float32 (F, 4), x, y, width, height in pixels of the upright picture; NaN means the main face.
        face_people: intp (F,), the person of each face, or `NOBODY`.
        left_out: sentences about files in the folder that are not evaluated.
    """

    form: Form
    people: tuple[StudentId, ...]
    pictures: tuple[Path, ...]
    registrable: tuple[tuple[int, ...], ...]
    face_pictures: NDArray[np.intp]
    face_boxes: NDArray[np.float32]
    face_people: NDArray[np.intp]
    left_out: tuple[str, ...] = ()


def read_dataset(folder: Path) -> Dataset:
    """Read a dataset in either layout; no picture is opened.

    Raises:
        InvalidRequest: the folder is missing, empty or incomplete, or its labels cannot be read.
    """
    if not folder.is_dir():
        raise InvalidRequest(f"There is no folder {folder}: give the folder of the dataset.")
    if (folder / "labels.json").exists() or ((folder / "gallery").is_dir() and (folder / "photos").is_dir()):
        return _read_photos(folder)
    return _read_identities(folder)


def group_photos(dataset: Dataset) -> NDArray[np.intp]:
    """Return the indices of the pictures that register nobody, including those without a face."""
    registering = [picture for pictures in dataset.registrable for picture in pictures]
    return np.setdiff1d(np.arange(len(dataset.pictures)), registering).astype(np.intp)


def subset(dataset: Dataset, people: NDArray[np.intp], pictures_each: int) -> Dataset:
    """Keep some people of identity folders, each with their first pictures.

    Args:
        people: intp (K,), indices of people.
        pictures_each: maximum number of pictures per person.
    """
    kept = np.sort(people)
    faces = [np.flatnonzero(dataset.face_people == person)[:pictures_each] for person in kept]
    of_person = [[dataset.pictures[dataset.face_pictures[face]] for face in own] for own in faces]
    return _identities([dataset.people[person] for person in kept], of_person, dataset.left_out)


_Side = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Label(BaseModel):
    box: tuple[FiniteFloat, FiniteFloat, _Side, _Side]
    student_id: StudentId | None


_LABELS = TypeAdapter(dict[str, list[_Label]])


def _read_photos(folder: Path) -> Dataset:
    for part in ("gallery", "photos"):
        if not (folder / part).is_dir():
            raise InvalidRequest(f"The dataset has no folder {folder / part}: add it, with pictures.")
    gallery = sorted(_pictures(folder / "gallery"), key=lambda picture: picture.stem)
    photos = {picture.name: picture for picture in _pictures(folder / "photos")}
    labels = _read_labels(folder / "labels.json")
    people = _gallery_people(gallery, folder)
    _check_names(labels, people, photos, folder)

    labelled = sorted(labels)
    faces = [(len(gallery) + number, label) for number, name in enumerate(labelled) for label in labels[name]]
    if not faces:
        raise InvalidRequest(f"{folder / 'labels.json'} names no face: add the box of each face in the photos.")
    index = {person: number for number, person in enumerate(people)}
    owners = [NOBODY if label.student_id is None else index[label.student_id] for _, label in faces]
    unlabelled = sorted(photos.keys() - labels.keys())
    return Dataset(
        form=Form.PHOTOS,
        people=people,
        pictures=(*gallery, *(photos[name] for name in labelled)),
        registrable=tuple((number,) for number in range(len(people))),
        face_pictures=np.array([picture for picture, _ in faces], dtype=np.intp),
        face_boxes=np.array([label.box for _, label in faces], dtype=np.float32),
        face_people=np.array(owners, dtype=np.intp),
        left_out=(f"Photos without an entry in labels.json are left out: {_some(unlabelled)}.",) if unlabelled else (),
    )


def _gallery_people(gallery: list[Path], folder: Path) -> tuple[StudentId, ...]:
    if not gallery:
        raise InvalidRequest(f"{folder / 'gallery'} contains no picture: add one registration photo per student.")
    people = [StudentId(picture.stem) for picture in gallery]
    repeated = [person for person, times in Counter(people).items() if times > 1]
    if repeated:
        raise InvalidRequest(
            f"The gallery has several registration photos of {_some(repeated)}: leave one per student."
        )
    return tuple(people)


def _read_labels(path: Path) -> dict[str, list[_Label]]:
    if not path.is_file():
        raise InvalidRequest(f"The photos have no labels: write {path}.")
    try:
        return _LABELS.validate_json(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not UTF-8 text: save it in that encoding.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = f" at {' > '.join(map(str, first['loc']))}" if first["loc"] else ""
        raise InvalidRequest(
            f"{path} is malformed{where} ({first['msg']}): write "
            '{"photo.jpg": [{"box": [x, y, width, height], "student_id": "id" or null}]}.'
        ) from error


def _check_names(
    labels: dict[str, list[_Label]], people: tuple[StudentId, ...], photos: dict[str, Path], folder: Path
) -> None:
    missing = sorted(labels.keys() - photos.keys())
    if missing:
        raise InvalidRequest(f"labels.json names photos that are not in {folder / 'photos'}: {_some(missing)}.")
    named = {label.student_id for faces in labels.values() for label in faces if label.student_id is not None}
    unknown = sorted(named - set(people))
    if unknown:
        raise InvalidRequest(
            f"labels.json names students without a picture in {folder / 'gallery'}: {_some(unknown)}; "
            "add their registration photos, or write null for strangers."
        )


def _read_identities(folder: Path) -> Dataset:
    found = {person: _pictures(person) for person in sorted(folder.iterdir()) if _is_person(person)}
    empty = [person.name for person, pictures in found.items() if not pictures]
    people = {person: pictures for person, pictures in found.items() if pictures}
    if not any(len(pictures) > 1 for pictures in people.values()):
        raise InvalidRequest(
            f"{folder} cannot be evaluated: it needs gallery/, photos/ and labels.json, or a folder per person "
            "with two or more pictures, one to register and the others to search."
        )
    left_out = (f"Folders without pictures are left out: {_some(empty)}.",) if empty else ()
    return _identities([StudentId(person.name) for person in people], list(people.values()), left_out)


def _identities(people: list[StudentId], pictures: list[list[Path]], left_out: tuple[str, ...]) -> Dataset:
    owners = np.repeat(np.arange(len(people), dtype=np.intp), [len(own) for own in pictures])
    return Dataset(
        form=Form.IDENTITIES,
        people=tuple(people),
        pictures=tuple(picture for own in pictures for picture in own),
        registrable=tuple(
            tuple(np.flatnonzero(owners == person).tolist()) if len(own) > 1 else ()
            for person, own in enumerate(pictures)
        ),
        face_pictures=np.arange(len(owners), dtype=np.intp),
        face_boxes=np.full((len(owners), 4), np.nan, dtype=np.float32),
        face_people=owners,
        left_out=left_out,
    )


def _is_person(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _pictures(folder: Path) -> list[Path]:
    """List a folder's pictures by name, without the hidden files that operating systems leave behind."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    )


def _some(names: list[str] | list[StudentId]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
