"""Both dataset layouts are read into one form, and whatever is wrong with them is said in a sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muster.domain.errors import InvalidRequest
from muster.evaluation.datasets import NOBODY, Form, read_dataset, subset

BOX = [10, 20, 30, 40]


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a picture is opened only later")


def _photo_dataset(folder: Path, labels: Any) -> Path:
    _touch(folder / "gallery" / "a.jpg", folder / "gallery" / "b.PNG")
    _touch(folder / "photos" / "x.jpg", folder / "photos" / "y.webp")
    (folder / "labels.json").write_text(labels if isinstance(labels, str) else json.dumps(labels))
    return folder


def test_photos_with_labels_become_faces_of_people_and_of_nobody(tmp_path: Path) -> None:
    labels = {
        "y.webp": [{"box": BOX, "student_id": "b"}, {"box": [1, 2, 3.5, 4], "student_id": None}],
        "x.jpg": [{"box": BOX, "student_id": "a"}],
    }
    dataset = read_dataset(_photo_dataset(tmp_path, labels))
    assert dataset.form is Form.PHOTOS
    assert dataset.people == ("a", "b")
    assert [path.name for path in dataset.pictures] == ["a.jpg", "b.PNG", "x.jpg", "y.webp"]
    assert dataset.registrable == ((0,), (1,))
    assert dataset.face_pictures.tolist() == [2, 3, 3]
    assert dataset.face_people.tolist() == [0, 1, NOBODY]
    assert dataset.face_boxes[2].tolist() == [1, 2, 3.5, 4]
    assert dataset.left_out == ()


def test_a_photo_labelled_empty_is_kept_and_one_without_labels_is_left_out_aloud(tmp_path: Path) -> None:
    dataset = read_dataset(_photo_dataset(tmp_path, {"x.jpg": [{"box": BOX, "student_id": "a"}]}))
    assert [path.name for path in dataset.pictures[2:]] == ["x.jpg"]
    assert len(dataset.left_out) == 1
    assert "y.webp" in dataset.left_out[0]
    labels = {"x.jpg": [{"box": BOX, "student_id": "a"}], "y.webp": []}
    assert len(read_dataset(_photo_dataset(tmp_path, labels)).pictures) == 4


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("{", "malformed"),
        ("[]", "malformed"),
        ({"x.jpg": {"box": BOX, "student_id": "a"}}, "x.jpg"),
        ({"x.jpg": [{"box": BOX}]}, "student_id"),
        ({"x.jpg": [{"box": [1, 2, 3], "student_id": "a"}]}, "box"),
        ({"x.jpg": [{"box": [1, 2, 0, 4], "student_id": "a"}]}, "greater than 0"),
        ('{"x.jpg": [{"box": [1, NaN, 3, 4], "student_id": "a"}]}', "malformed"),
        ({"x.jpg": [{"box": BOX, "student_id": 7}]}, "student_id"),
        ({"x.jpg": [{"box": BOX, "student_id": "nobody_known"}]}, "nobody_known"),
        ({"z.jpg": [{"box": BOX, "student_id": "a"}]}, r"z\.jpg"),
        ({"../gallery/a.jpg": [{"box": BOX, "student_id": "a"}]}, r"\.\./gallery/a\.jpg"),
        ({"x.jpg": []}, "names no face"),
        ({}, "names no face"),
    ],
)
def test_wrong_labels_are_refused_with_the_place_that_is_wrong(tmp_path: Path, labels: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        read_dataset(_photo_dataset(tmp_path, labels))


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    folder = _photo_dataset(tmp_path, {})
    (folder / "labels.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidRequest, match="UTF-8"):
        read_dataset(folder)


def test_labels_saved_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    folder = _photo_dataset(tmp_path, {})
    text = json.dumps({"x.jpg": [{"box": BOX, "student_id": "a"}]})
    (folder / "labels.json").write_text(text, encoding="utf-8-sig")
    assert len(read_dataset(folder).face_people) == 1


def test_incomplete_photo_datasets_are_refused(tmp_path: Path) -> None:
    labels = {"x.jpg": [{"box": BOX, "student_id": "a"}]}
    without_labels = _photo_dataset(tmp_path / "1", labels)
    (without_labels / "labels.json").unlink()
    with pytest.raises(InvalidRequest, match=r"labels\.json"):
        read_dataset(without_labels)

    twice = _photo_dataset(tmp_path / "2", labels)
    _touch(twice / "gallery" / "a.png")
    with pytest.raises(InvalidRequest, match="several registration photos of a"):
        read_dataset(twice)

    nobody = _photo_dataset(tmp_path / "3", labels)
    (nobody / "gallery" / "a.jpg").unlink()
    (nobody / "gallery" / "b.PNG").unlink()
    with pytest.raises(InvalidRequest, match="contains no picture"):
        read_dataset(nobody)

    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "labels.json").write_text("{}")
    with pytest.raises(InvalidRequest, match="gallery"):
        read_dataset(tmp_path / "4")


def test_identity_folders_become_one_main_face_a_picture(tmp_path: Path) -> None:
    _touch(tmp_path / "b" / "2.jpg", tmp_path / "b" / "1.jpg", tmp_path / "a" / "1.jpg", tmp_path / "c" / "1.png")
    _touch(
        tmp_path / "c" / "2.png", tmp_path / "c" / "notes.txt", tmp_path / "c" / "._2.png", tmp_path / ".git" / "1.jpg"
    )
    (tmp_path / "empty").mkdir()
    dataset = read_dataset(tmp_path)
    assert dataset.form is Form.IDENTITIES
    assert dataset.people == ("a", "b", "c")
    assert dataset.face_people.tolist() == [0, 1, 1, 2, 2]
    assert [path.name for path in dataset.pictures] == ["1.jpg", "1.jpg", "2.jpg", "1.png", "2.png"]
    assert np.isnan(dataset.face_boxes).all()
    assert dataset.left_out == ("Folders without pictures are left out: empty.",)


def test_a_person_with_one_picture_can_only_be_a_stranger(tmp_path: Path) -> None:
    _touch(tmp_path / "a" / "1.jpg", tmp_path / "b" / "1.jpg", tmp_path / "b" / "2.jpg")
    assert read_dataset(tmp_path).registrable == ((), (1, 2))


def test_folders_that_cannot_be_evaluated_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no folder"):
        read_dataset(tmp_path / "missing")
    with pytest.raises(InvalidRequest, match="cannot be evaluated"):
        read_dataset(tmp_path)
    _touch(tmp_path / "a" / "1.jpg", tmp_path / "b" / "1.jpg")
    with pytest.raises(InvalidRequest, match="two or more pictures"):
        read_dataset(tmp_path)


def test_a_subset_keeps_the_first_pictures_of_the_chosen_people(tmp_path: Path) -> None:
    for person in "abc":
        _touch(*(tmp_path / person / f"{number}.jpg" for number in range(4)))
    part = subset(read_dataset(tmp_path), np.array([2, 0]), 2)
    assert part.people == ("a", "c")
    assert [path.relative_to(tmp_path).as_posix() for path in part.pictures] == [
        "a/0.jpg",
        "a/1.jpg",
        "c/0.jpg",
        "c/1.jpg",
    ]
    assert part.registrable == ((0, 1), (2, 3))
