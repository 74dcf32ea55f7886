"""Archives that were damaged or made by an attacker: each photo gets a row in the report, and the others are read."""

import random
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest

from muster.domain.actor import OPERATOR, Actor
from muster.domain.errors import InvalidRequest, UnsupportedArchive
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.registration import RegistrationDetails
from muster.domain.student import Student
from muster.services.registering.bulk import BulkRegistration, PhotoReport, photos_of_archive
from muster.services.registering.registration import Registration
from muster.services.registering.results import RegistrationResult
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.storage.local import open_local
from muster.vision.decode import decode
from tests.unit.test_decode import png_with_long_transparency

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
MAX_BYTES = 1_000_000
MUTATIONS = 40
"""Archives made of each compression."""


class DecodingAlone:
    """Reads each photo as a registration does, and stores nobody."""

    def __init__(self, find: Callable[[StudentId], Student]) -> None:
        self._find = find

    def register(self, details: RegistrationDetails, image: bytes, actor: Actor) -> RegistrationResult:
        decode(image)
        return RegistrationResult(self._find(details.student_id), 1.0, repeated=False)


@pytest.fixture
def bulk(tmp_path: Path) -> BulkRegistration:
    """Bulk registration of the students s0 to s5."""
    stores = open_local(tmp_path)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    roster = Roster(
        students=stores.students,
        heads=stores.heads,
        groups=groups,
        idempotency=stores.idempotency,
        uploads=None,
        request_training=lambda: None,
    )
    for number in range(6):
        roster.enrol(StudentId(f"s{number}"), "Ada", [GroupId("7b")])
    return BulkRegistration(cast(Registration, DecodingAlone(roster.get)), roster, MAX_BYTES)


@pytest.fixture(scope="module")
def photo(samples: Path) -> bytes:
    return (samples / "gallery" / "barack_obama.jpg").read_bytes()


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        for name, content in entries.items():
            made.writestr(name if name.strip("\0./") and "\0" not in name else f"empty-{len(made.filelist)}", content)
            made.filelist[-1].filename = name
    return stream.getvalue()


def report(bulk: BulkRegistration, content: bytes) -> dict[str, PhotoReport]:
    reports = bulk.run(photos_of_archive(content), consent=True, actor=OPERATOR)
    return {row.name: row for row in reports}


def codes(bulk: BulkRegistration, content: bytes) -> dict[str, str | None]:
    return {name: row.code for name, row in report(bulk, content).items()}


def test_odd_names_are_passed_over_and_the_photos_are_read(bulk: BulkRegistration, photo: bytes) -> None:
    odd = ("", ".", "..", "./", "/", "//", "\0.jpg", ".jpg", "...", "a/..", "\\", "__MACOSX")
    entries = {**dict.fromkeys(odd, photo), "/s0.jpg": photo, "../../s1.jpg": photo, "7b\\s2.jpg": photo}
    assert codes(bulk, archive(entries)) == {"s0.jpg": None, "s1.jpg": None, "s2.jpg": None}


def test_a_picture_that_breaks_the_decoder_is_one_row(bulk: BulkRegistration, photo: bytes) -> None:
    entries = {"s0.jpg": photo, "s1.png": png_with_long_transparency(), "s2.jpg": photo[:5000], "s3.jpg": photo}
    found = codes(bulk, archive(entries))
    assert found == {"s0.jpg": None, "s1.png": "image_damaged", "s2.jpg": "image_damaged", "s3.jpg": None}


@pytest.mark.parametrize("method", [1, 6, 9, 93, 95, 98, 99, 65_535])
def test_an_unknown_compression_is_one_row(bulk: BulkRegistration, photo: bytes, method: int) -> None:
    content = bytearray(archive({"s0.jpg": photo, "s1.jpg": photo}, zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", content, content.index(signature) + offset, method)
    assert codes(bulk, bytes(content)) == {"s0.jpg": "image_damaged", "s1.jpg": None}


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_entry_is_one_row_whatever_its_compression(bulk: BulkRegistration, photo: bytes, method: int) -> None:
    whole = archive({"s0.jpg": photo, "s1.jpg": photo}, method)
    start = whole.index(b"s0.jpg") + 6
    for offset in (0, 1, 4, 5, 8, 9, 12, 2000):
        content = bytearray(whole)
        content[start + offset] ^= 0xFF
        found = codes(bulk, bytes(content))
        assert found["s1.jpg"] is None
        # The first bytes of LZMA are a version that nobody reads; another size of the dictionary may do as well.
        unread = method == zipfile.ZIP_LZMA and offset in (0, 1, 5, 8)
        assert found["s0.jpg"] in ((None, "image_damaged") if unread else ("image_damaged",)), offset


@pytest.mark.parametrize("method", METHODS[1:])
def test_an_entry_that_grows_is_read_no_further_than_the_limit(
    bulk: BulkRegistration, monkeypatch: pytest.MonkeyPatch, method: int
) -> None:
    """Both sizes in the archive may lie; the work is counted in calls of the decompressor."""
    content = archive({"s0.jpg": bytes(100_000_000)}, method)
    reads: list[int] = []
    read = zipfile.ZipExtFile._read2  # type: ignore[attr-defined]

    def counted(stream: zipfile.ZipExtFile, n: int) -> bytes:
        taken: bytes = read(stream, n)
        reads.append(len(taken))
        return taken

    monkeypatch.setattr(zipfile.ZipExtFile, "_read2", counted)
    assert codes(bulk, content) == {"s0.jpg": "image_too_large"}
    assert sum(reads) <= 16_384


@pytest.mark.parametrize("method", METHODS)
def test_mutated_archives_are_refused_whole_or_row_by_row(bulk: BulkRegistration, photo: bytes, method: int) -> None:
    small = photo[: len(photo) // 4]
    whole = archive({f"7b/s{number}.jpg": small for number in range(6)}, method)
    directory = whole.index(b"PK\x01\x02")
    random_bytes = random.Random(method)  # noqa: S311 - repeatable, not secret
    refused = 0
    for _ in range(MUTATIONS):
        content = bytearray(whole)
        for _ in range(random_bytes.choice((1, 3, 20))):
            # Half of them in the directory and the headers, where most of the parsing is.
            start = random_bytes.choice((directory, 0, whole.index(b"7b/s3.jpg") - 30))
            end = len(content) if start == directory else start + 90
            content[random_bytes.randrange(start, end)] = random_bytes.randrange(256)
        if random_bytes.random() < 0.2:
            del content[random_bytes.randrange(len(content)) :]
        try:
            rows = report(bulk, bytes(content))
        except (UnsupportedArchive, InvalidRequest):
            refused += 1
        else:
            assert all(row.code is not None for row in rows.values())
    assert 0 < refused < MUTATIONS
