"""A variant whose files changed is another pack: neither its files nor its templates are taken for the new ones."""

import shutil
from pathlib import Path

import pytest

from muster.domain.errors import PackMismatch, PackMissing
from muster.domain.identifiers import PackId
from muster.packs.load import MANIFEST, ModelPack, load_pack
from muster.packs.manifest import name_of, shipped_names, shipped_spec
from muster.services.packs.registered_packs import check_packs

EARLIER = PackId("embedded-1.int8")
"""The id of the int8 variant while its weights had 8 bits."""


BEFORE = [PackId(id) for id in ("embedded-1", "embedded-1.float16", "embedded-1.int8.2", EARLIER)]
"""Ids from before the second network."""


def test_packs_with_another_network_or_other_crops_have_other_ids_than_before() -> None:
    assert shipped_spec("embedded").id == "embedded-2"
    assert shipped_spec("embedded-int8").id == "embedded-2.int8"
    assert shipped_spec("embedded-float16").id == "embedded-2.float16"
    assert shipped_spec("embedded-facenet").id == "embedded-facenet-1"
    assert not set(BEFORE) & {shipped_spec(name).id for name in shipped_names()}


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_variant_changes_facenet_and_keeps_the_second_network(precision: str) -> None:
    facenet, mobile = shipped_spec(f"embedded-{precision}").embedders
    assert (facenet.precision, mobile.precision) == (precision, "float32")
    assert mobile == shipped_spec("embedded").embedders[1]


def test_files_of_an_earlier_revision_are_refused_with_the_command_that_builds_the_new_ones(
    pack: ModelPack, tmp_path: Path
) -> None:
    folder = tmp_path / "packs" / "embedded-int8"
    shutil.copytree(pack.directory, folder)
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"id": "embedded-2"', f'"id": "{EARLIER}"'))
    with pytest.raises(PackMissing, match=r"another version: run `muster packs build embedded-int8`"):
        load_pack("embedded-int8", tmp_path)


def test_a_store_of_an_earlier_revision_is_to_be_taken_over_since_its_pack_can_no_longer_be_built() -> None:
    with pytest.raises(PackMismatch, match=r"take them over with `muster packs migrate embedded-int8`") as refused:
        check_packs([EARLIER], shipped_spec("embedded-int8").id, name_of)
    assert "MUSTER_PACK" not in str(refused.value)


@pytest.mark.parametrize("before", BEFORE)
def test_a_store_from_before_the_second_network_is_to_be_migrated(before: PackId) -> None:
    with pytest.raises(PackMismatch, match="take them over with `muster packs migrate embedded`"):
        check_packs([before], shipped_spec("embedded").id, name_of)


def test_a_pack_built_before_the_second_network_is_to_be_built_again(pack: ModelPack, tmp_path: Path) -> None:
    """Its manifest has a layout that this version cannot read."""
    folder = tmp_path / "packs" / "embedded"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text('{"id": "embedded-1", "name": "embedded", "embedder": {"kind": "facenet"}}')
    with pytest.raises(PackMissing, match=r"another version: run `muster packs build embedded`"):
        load_pack("embedded", tmp_path)


def test_a_store_of_a_pack_that_can_be_built_may_go_on_with_it() -> None:
    with pytest.raises(PackMismatch, match=r"go on with MUSTER_PACK=embedded, or take them over"):
        check_packs([shipped_spec("embedded").id], shipped_spec("embedded-facenet").id, name_of)
