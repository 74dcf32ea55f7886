"""A variant whose files changed is another pack: neither its files nor its templates are taken for the new ones."""

import shutil
from pathlib import Path

import pytest

from muster.domain.errors import PackMismatch, PackMissing
from muster.domain.identifiers import PackId
from muster.packs.load import MANIFEST, ModelPack, load_pack
from muster.packs.manifest import name_of, shipped_names, shipped_spec
from muster.services.migration import check_packs

EARLIER = PackId("embedded-1.int8")
"""The id of the int8 variant while its weights had 8 bits."""


def test_the_int8_variant_has_another_id_than_while_it_saturated() -> None:
    assert shipped_spec("embedded-int8").id == "embedded-1.int8.2"
    assert EARLIER not in {shipped_spec(name).id for name in shipped_names()}
    assert shipped_spec("embedded-float16").id == "embedded-1.float16"


@pytest.mark.slow
def test_files_of_an_earlier_revision_are_refused_with_the_command_that_builds_the_new_ones(
    pack: ModelPack, tmp_path: Path
) -> None:
    folder = tmp_path / "packs" / "embedded-int8"
    shutil.copytree(pack.directory, folder)
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"id": "embedded-1"', f'"id": "{EARLIER}"'))
    with pytest.raises(PackMissing, match=r"another version: run `muster packs build embedded-int8`"):
        load_pack("embedded-int8", tmp_path)


def test_a_store_of_an_earlier_revision_is_to_be_taken_over_since_its_pack_can_no_longer_be_built() -> None:
    with pytest.raises(PackMismatch, match=r"2': take them over with `muster packs migrate embedded-int8`") as refused:
        check_packs([EARLIER], shipped_spec("embedded-int8").id, name_of)
    assert "MUSTER_PACK" not in str(refused.value)


def test_a_store_of_a_pack_that_can_be_built_may_go_on_with_it() -> None:
    with pytest.raises(PackMismatch, match=r"go on with MUSTER_PACK=embedded, or take them over"):
        check_packs([PackId("embedded-1")], shipped_spec("embedded-int8").id, name_of)
