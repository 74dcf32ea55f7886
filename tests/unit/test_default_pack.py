"""The pack of a store on one machine if none was chosen."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from muster.composition.local import LocalBackend
from muster.composition.settings import DEFAULT_PACK, LocalSettings
from muster.domain.identifiers import PackId
from muster.packs.manifest import shipped_spec


@pytest.fixture(autouse=True)
def no_pack_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an operator who set nothing."""
    monkeypatch.delenv("MUSTER_PACK", raising=False)


def test_a_new_store_uses_eight_bit_networks_with_statistics_of_their_own() -> None:
    spec, exact = shipped_spec(LocalSettings().pack), shipped_spec("embedded")
    assert spec.name == DEFAULT_PACK == "embedded-int8"
    assert spec.embedders[0].precision == "int8"
    assert spec.statistics != exact.statistics
    assert spec.id != exact.id


@pytest.mark.parametrize(
    ("registered", "name"),
    [
        (["embedded-2"], "embedded"),
        (["embedded-2.int8"], "embedded-int8"),
        (["embedded-facenet-1"], "embedded-facenet"),
        # Neither can go on: the store is refused with what to do.
        (["embedded-1"], DEFAULT_PACK),
        (["embedded-2", "embedded-facenet-1"], DEFAULT_PACK),
    ],
)
def test_a_store_keeps_the_pack_of_its_students(registered: list[str], name: str) -> None:
    assert LocalSettings().with_pack_of([PackId(pack) for pack in registered]).pack == name


def test_a_chosen_pack_is_used_whatever_the_store_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LocalSettings(pack="embedded-int8").with_pack_of([PackId("embedded-2")]).pack == "embedded-int8"
    monkeypatch.setenv("MUSTER_PACK", "cloud")
    assert LocalSettings().with_pack_of([PackId("embedded-2")]).pack == "cloud"


def test_a_system_opens_an_existing_store_with_its_pack(tmp_path: Path) -> None:
    system = LocalBackend(tmp_path)
    packs = SimpleNamespace(packs=lambda: {PackId("embedded-2")})
    vars(system)["stores"] = SimpleNamespace(staging=packs)
    assert system.settings.pack == "embedded"
