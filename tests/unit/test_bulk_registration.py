"""Reading photos out of folders and archives; no model is asked."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from muster.domain.errors import DamagedImage, EmptyUpload, ImageTooLarge, InvalidRequest, UnsupportedArchive
from muster.services.registering.bulk import MAX_PHOTOS, photos_of_archive, photos_of_folder


def archive(*names: str, content: bytes = b"photo") -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    return stream.getvalue()


def test_photos_of_an_archive_are_found_in_any_folder_and_what_systems_add_is_not() -> None:
    photos = photos_of_archive(
        archive("b.JPG", "7b/a.png", "__MACOSX/7b/._a.png", ".DS_Store", "7b/.hidden.jpg", "notes.txt", "empty/")
    )
    assert [photo.name for photo in photos] == ["a.png", "b.JPG"]
    assert photos[0].read(10) == b"photo"


def test_photos_of_a_folder_come_in_order(tmp_path: Path) -> None:
    for name in ("2.jpg", "1.heic", ".3.jpg", "roster.csv"):
        (tmp_path / name).write_bytes(b"photo")
    assert [photo.name for photo in photos_of_folder(tmp_path)] == ["1.heic", "2.jpg"]


def test_a_photo_is_refused_by_its_real_size(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"x" * 11)
    for photo in (*photos_of_folder(tmp_path), *photos_of_archive(archive("1.jpg", content=b"x" * 1_000_000))):
        with pytest.raises(ImageTooLarge):
            photo.read(10)


def test_an_encrypted_photo_says_what_to_do() -> None:
    content = bytearray(archive("1.jpg"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(DamagedImage, match="password"):
        photos_of_archive(bytes(content))[0].read(100)


def test_a_damaged_entry_is_refused_alone() -> None:
    content = bytearray(archive("1.jpg", "2.jpg"))
    content[content.index(b"1.jpg") + 5] ^= 0xFF
    first, second = photos_of_archive(bytes(content))
    with pytest.raises(DamagedImage):
        first.read(100)
    assert second.read(100) == b"photo"


@pytest.mark.parametrize("content", [b"no archive", archive("1.jpg")[:-30]], ids=["text", "cut short"])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedArchive):
        photos_of_archive(content)


def test_nothing_and_too_much_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyUpload):
        photos_of_archive(b"")
    with pytest.raises(InvalidRequest):
        photos_of_archive(archive("roster.csv"))
    with pytest.raises(InvalidRequest):
        photos_of_folder(tmp_path)
    with pytest.raises(InvalidRequest, match=str(MAX_PHOTOS)):
        photos_of_archive(archive(*(f"{number}.jpg" for number in range(MAX_PHOTOS + 1))))
