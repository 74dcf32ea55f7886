"""Backups and examinations of the local store."""

import os
from collections.abc import Sequence
from pathlib import Path

from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidRequest, MusterError
from muster.domain.finding import Finding
from muster.packs.load import load_pack, verify_pack
from muster.progress import OnProgress
from muster.recognition.head import Head
from muster.storage.local import read_local
from muster.storage.local.backup import Backup, back_up
from muster.storage.local.doctor import examine, set_aside_unknown
from muster.storage.local.restore import Restored, restore

__all__ = ["back_up_store", "examine_store", "restore_store", "set_aside_files"]


def back_up_store(destination: Path, data: Path | None, progress: OnProgress) -> Backup:
    """Back the local store up; see `muster.storage.local.backup`."""
    return back_up(_folder(data), destination, progress)


def restore_store(
    source: Path, data: Path | None, progress: OnProgress, *, replace: bool, lists: Sequence[Path]
) -> Restored:
    """Put a backup in the place of the local store; see `muster.storage.local.restore`."""
    return restore(source, _folder(data), progress, replace=replace, lists=lists)


def examine_store(data: Path | None) -> list[Finding]:
    """Examine the local store, the model pack and the head."""
    settings, folder = LocalSettings(), _folder(data)
    findings = examine(folder)
    try:
        pack = load_pack(settings.pack, settings.home)
        verify_pack(pack)
    except MusterError as error:
        return [*findings, Finding(error.code, str(error))]
    if any(finding.problem or finding.code in ("no_store", "older_version") for finding in findings):
        # The head is in a store that cannot be trusted, or in none.
        return findings
    try:
        stores = read_local(folder)
        others = stores.staging.packs() - {pack.id}
        if others:
            detail = f"Students are registered with the pack {min(others)}, and {pack.id} is in use: "
            findings.append(Finding("pack_mismatch", detail + "set MUSTER_PACK, or run `muster packs migrate`."))
        version = stores.heads.current(pack.id)
        if version is not None:
            Head.load(stores.heads.load(pack.id, version), pack.id)
    except MusterError as error:
        findings.append(Finding(error.code, str(error)))
    return findings


def set_aside_files(data: Path | None) -> tuple[int, Path]:
    """Move files that the database does not name out of the way."""
    return set_aside_unknown(_folder(data))


def _folder(data: Path | None) -> Path:
    if data is None and "MUSTER_TABLE" in os.environ:
        raise InvalidRequest("MUSTER_TABLE points at AWS, whose backups docs/operations.md describes: name --data.")
    return data or LocalSettings().data
