"""The migration to another pack decodes stored photos."""

from pathlib import Path
from typing import Any

import pytest

from muster.cli import backend
from muster.composition.local import LocalBackend
from muster.domain.errors import ImageTooLarge
from muster.domain.identifiers import PackId
from muster.services.packs.migration import Migration
from muster.storage.local import open_local
from muster.vision.decode import Photo
from muster.vision.decoder_pool import DecoderPool
from tests.contract.examples import a_photo, register


def test_a_photo_that_costs_too_much_is_reported_and_nothing_is_switched(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    register(stores, "s1")
    read: list[bytes] = []

    def decode(data: bytes) -> Photo:
        read.append(data)
        raise ImageTooLarge("The photo takes too long to read.")

    vision: Any = None
    migration = Migration(
        pack=PackId("other"),
        vision=vision,
        students=stores.students,
        staging=stores.staging,
        request_training=stores.training.request,
        decode=decode,
    )
    report = migration.run(lambda step, share: None)
    assert [(student.student_id, student.code) for student in report.again] == [("s1", ImageTooLarge.code)]
    assert not report.switched
    assert read == [a_photo("s1")]


def test_the_command_line_reads_photos_in_a_process_with_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalBackend, "migration", lambda self, name: self._decode)
    decode: Any = backend.open_migration("embedded", tmp_path)
    pool = decode.__self__
    assert isinstance(pool, DecoderPool)
    pool.close()
