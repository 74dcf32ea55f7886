"""Backup, restore and check of the local store."""

from pathlib import Path

from muster.composition.settings import LocalSettings
from muster.domain.errors import MusterError
from muster.domain.finding import Finding
from muster.domain.packs import comparable
from muster.packs.load import load_pack, verify_pack
from muster.recognition.head import Head
from muster.services.caches.head_pointer import current_head
from muster.storage.local import read_local
from muster.storage.local.backup import back_up
from muster.storage.local.doctor import examine, set_aside_unknown
from muster.storage.local.restore import restore

__all__ = ["back_up", "check_system", "restore", "set_aside_unknown"]


def check_system(folder: Path) -> list[Finding]:
    """Return the findings about the store in a folder, the model pack and the head."""
    settings = LocalSettings()
    findings = examine(folder)
    # Neither the pack in use nor the head can be read from a store that is missing or damaged.
    readable = not any(finding.problem or finding.code in ("no_store", "older_version") for finding in findings)
    try:
        stores = read_local(folder) if readable else None
        if stores is not None:
            settings = settings.with_pack_of(stores.staging.packs())
        pack = load_pack(settings.pack, settings.home)
        verify_pack(pack)
        if stores is None:
            return findings
        others = {each for each in stores.staging.packs() if not comparable(each, pack.id)}
        if others:
            detail = f"Students are registered with the pack {min(others)}, but {pack.id} is in use: "
            findings.append(Finding("pack_mismatch", detail + "set MUSTER_PACK, or run `muster packs migrate`."))
        current = current_head(stores.heads, pack.id)
        if current is not None:
            Head.load(stores.heads.load(*current), pack.id)
    except MusterError as error:
        findings.append(Finding(error.code, str(error)))
    return findings
