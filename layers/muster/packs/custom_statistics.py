"""Population statistics measured on site, installed into a built pack."""

import shutil
from pathlib import Path

from muster.packs.assembly import disk_errors_as_build_failures, write_file, write_manifest
from muster.packs.directory import atomic_directory, build_lock
from muster.packs.load import STATISTICS, ModelPack, load_pack, pack_directory
from muster.packs.manifest import StatisticsSource, shipped_spec
from muster.packs.statistics import PackStatistics, statistics_bytes


def install_statistics(
    pack: ModelPack, home: Path, statistics: PackStatistics, source: str, licence: str, measured: dict[str, float]
) -> ModelPack:
    """Replace a pack's statistics. Its embeddings stay the same, and so does its id.

    The pack is replaced atomically: if the process is killed, the old pack remains.

    Args:
        source: the pictures that the statistics were measured on, in words; no names.
        licence: of those pictures.
        measured: figures that describe how well the statistics fit.

    Raises:
        PackBuildFailed: the disk is full or cannot be written.
    """
    manifest = pack.manifest
    target = pack_directory(manifest.name, home)
    custom = StatisticsSource(file=STATISTICS, source=source, licence=licence, measured=measured)
    unchanged = {name: getattr(manifest, name) for name in ("weights", "parity") if name in manifest.model_fields_set}
    models = [file for file in manifest.files if file.name != STATISTICS]
    room_mb = round(2 * sum(file.bytes for file in manifest.files) / 1e6)
    with disk_errors_as_build_failures(target, room_mb), build_lock(target):
        with atomic_directory(target) as folder:
            for file in models:
                shutil.copyfile(target / file.name, folder / file.name)
            files = (*models, write_file(folder / STATISTICS, statistics_bytes(statistics)))
            write_manifest(folder, shipped_spec(manifest.name), files, **unchanged, own_statistics=custom)
        return load_pack(manifest.name, home)
