"""Population statistics measured with a built pack, written into it."""

import shutil
from pathlib import Path
from typing import Any

from muster.packs.assembly import assembled, told_of_the_disk, write_file
from muster.packs.directory import only_builder
from muster.packs.load import STATISTICS, ModelPack, pack_directory
from muster.packs.manifest import PackFile, StatisticsSource, shipped_spec
from muster.packs.statistics import PackStatistics, statistics_bytes


def with_statistics(
    pack: ModelPack, home: Path, statistics: PackStatistics, source: str, licence: str, measured: dict[str, float]
) -> ModelPack:
    """Put statistics in place of those that the pack has; its embeddings, and so its id, stay what they are.

    The pack is replaced at once: cut off before, it is as it was.

    Args:
        source: the pictures they were measured on, in words; no names.
        licence: of those pictures.
        measured: figures that tell how well they fit.

    Raises:
        PackBuildFailed: the disk is full or cannot be written.
    """
    manifest = pack.manifest
    target = pack_directory(manifest.name, home)
    own = StatisticsSource(file=STATISTICS, source=source, licence=licence, measured=measured)
    said: dict[str, Any] = {
        name: getattr(manifest, name) for name in ("weights", "parity") if name in manifest.model_fields_set
    }

    def fill(folder: Path) -> tuple[tuple[PackFile, ...], dict[str, Any]]:
        kept = tuple(file for file in manifest.files if file.name != STATISTICS)
        for file in kept:
            shutil.copyfile(target / file.name, folder / file.name)
        return (*kept, write_file(folder / STATISTICS, statistics_bytes(statistics))), {**said, "own_statistics": own}

    room_mb = round(2 * sum(file.bytes for file in manifest.files) / 1e6)
    with told_of_the_disk(target, room_mb), only_builder(target):
        return assembled(shipped_spec(manifest.name), home, fill)
