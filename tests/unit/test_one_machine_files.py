"""The files with which one machine runs Muster as a service: read by their own programs where these are installed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from muster.composition.settings import LocalSettings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "containers" / "one-machine"
UNITS = ("muster.service", "muster-backup.service", "muster-backup.timer")


def settings_named(text: str) -> set[str]:
    return set(re.findall(r"MUSTER_[A-Z_]+", text))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in UNITS:
        # The program is not installed where it will be.
        text = (FOLDER / name).read_text().replace("/opt/muster/.venv/bin/muster", sys.executable)
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / name for name in UNITS)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "muster" in line]) == (0, [])


def test_the_compose_file_keeps_the_store_and_listens_to_this_machine_alone() -> None:
    service = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["muster"]
    assert "data:/data" in service["volumes"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == FOLDER / "Dockerfile"


def test_every_setting_that_is_named_there_exists() -> None:
    known = {f"MUSTER_{name.upper()}" for name in LocalSettings.model_fields} | {"MUSTER_HOST", "MUSTER_PORT"}
    for path in [*FOLDER.iterdir(), ROOT / "docs" / "one-machine.md"]:
        assert settings_named(path.read_text()) <= known, path


def test_the_image_copies_what_the_package_is_built_from() -> None:
    for line in (FOLDER / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source


def test_the_demo_and_the_server_install_no_torch() -> None:
    locks = {name: (ROOT / "requirements" / name).read_text() for name in ("local.txt", "train.txt")}
    for package in ("pytorch-metric-learning", "sympy", "scikit-learn"):
        assert f"\n{package}==" not in locks["local.txt"]
        assert f"\n{package}==" in locks["train.txt"]
