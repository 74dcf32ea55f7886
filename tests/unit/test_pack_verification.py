"""A model file that was altered is noticed before it decides anything."""

import shutil
from pathlib import Path

import pytest

from muster.composition.vision import open_models
from muster.domain.errors import PackDamaged
from muster.packs import load
from muster.packs.load import ModelPack, load_pack, verify_once


@pytest.fixture
def copied(pack: ModelPack, tmp_path: Path) -> ModelPack:
    """The real pack, in a folder of its own."""
    shutil.copytree(pack.directory, tmp_path / "packs" / pack.manifest.name)
    return load_pack(pack.manifest.name, tmp_path)


def turn_a_bit(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def test_models_with_a_bit_turned_are_not_loaded(copied: ModelPack) -> None:
    turn_a_bit(copied.detector)
    assert load_pack(copied.manifest.name, copied.directory.parents[1]).id == copied.id
    with pytest.raises(PackDamaged, match=copied.detector.name):
        open_models(copied, threads=1)


def test_a_pack_is_hashed_once_and_again_after_a_change(copied: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    verify = load.verify_pack

    def counted(pack: ModelPack) -> None:
        hashed.append(pack.manifest.name)
        verify(pack)

    monkeypatch.setattr(load, "verify_pack", counted)
    for _ in range(3):
        verify_once(copied)
    assert len(hashed) == 1
    turn_a_bit(copied.embedders[0])
    for count in (2, 3):
        with pytest.raises(PackDamaged, match=copied.embedders[0].name):
            verify_once(copied)
        assert len(hashed) == count
