"""The files with which one machine runs Muster as a service: read by their own programs where these are installed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.user import Role

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


def test_compose_starts_from_a_fresh_clone_without_settings() -> None:
    included = yaml.safe_load((ROOT / "compose.yaml").read_text())["include"]
    assert [(ROOT / path).resolve() for path in included] == [FOLDER / "compose.yaml"]
    document = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    # `${NAME:?...}` would need a value, and a folder of the host would belong to root.
    assert ":?" not in json.dumps(document)
    volumes = [volume.split(":")[0] for volume in document["services"]["muster"]["volumes"]]
    assert set(volumes) == set(document["volumes"])


@pytest.mark.processes
def test_the_first_start_of_the_container_prints_a_link_that_signs_in(tmp_path: Path) -> None:
    """The entry with the installed `muster`, whose `serve` is replaced by the list of users."""
    (tmp_path / "muster").write_text(
        f'#!/bin/sh\n[ "$1" = serve ] && set -- users list --json\nexec {sys.executable} -m muster "$@"\n'
    )
    (tmp_path / "muster").chmod(0o755)
    store = tmp_path / "store"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MUSTER_DATA": str(store), "MUSTER_ADMIN_TOKEN": ""}

    def start() -> str:
        command = ["sh", str(FOLDER / "start.sh"), "serve"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    first, second = start(), start()
    (token,) = re.findall(r"^http://127\.0\.0\.1:8000/#/token/(\S+)$", first, re.MULTILINE)
    user = LocalBackend(store).users.of_token(token)
    assert user is not None
    assert (user.id, user.role) == ("admin", Role.ADMIN)
    assert "#/token/" not in second
    assert '"admin"' in second


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
