"""The packages of the vision image, trimmed as its build trims them, run the functions and the server."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import httpx
import pytest

from muster.cli.app import COMMANDS
from muster.packs.load import ModelPack
from tests.e2e.aws.cloud import Cloud
from tests.e2e.aws.gateway import Gateway
from tests.e2e.aws.lambda_runtime import LambdaFunction

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to the installed packages that the image's lock file names, trimmed."""
    folder = tmp_path_factory.mktemp("packages")
    lock = (ROOT / "requirements/vision.txt").read_text()
    for name, marker in re.findall(r"^([a-z0-9][a-z0-9._-]*)==[^ ;]*( ;[^\\]*)?", lock, re.MULTILINE):
        if "win32" in marker:
            continue
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                link = folder / file
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.exists():
                    link.symlink_to(Path(str(file.locate())).resolve())
    runpy.run_path(str(ROOT / "containers/vision/trim.py"))["trim"](folder)
    return folder


def environment(packages: Path) -> dict[str, str]:
    """Return variables with which Python finds these packages and no others, together with -S."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{packages}:{ROOT / 'layers'}:{ROOT}"}


def test_the_packages_of_the_image_register_and_call_the_roll(
    packages: Path, cloud: Cloud, samples: Path, tmp_path: Path
) -> None:
    def function(name: str) -> LambdaFunction:
        def start(variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-S", "-m", "awslambdaric", f"functions.{name}.handler.handler"]
            with (tmp_path / f"{name}.log").open("wb") as log:
                return subprocess.Popen(
                    command, env={**environment(packages), **variables}, stdout=log, stderr=subprocess.STDOUT
                )

        variables = {**cloud.environment, **cloud.variables(name.title())}
        return LambdaFunction(name, "", ROOT, variables, tmp_path / f"{name}.log", start=start)

    functions = {name: function(name) for name in ("register", "detect")}
    gateway = Gateway(cloud.routes(), functions)
    try:
        with httpx.Client(base_url=gateway.url, timeout=600, headers={"Authorization": "Bearer token"}) as client:
            fields = {"student_id": "s1", "name": "Barack", "group_id": "7b", "consent": "true"}
            portrait = {"image": (samples / "gallery/barack_obama.jpg").read_bytes()}
            registered = client.post("/register/register-student", data=fields, files=portrait)
            assert registered.status_code == 201, registered.text
            photo = {"images": (samples / "photos/group.jpg").read_bytes()}
            found = client.post("/mark/detect", data={"group_id": "7b"}, files=photo)
            assert found.status_code == 200, found.text
            assert [mark["status"] for mark in found.json()["marks"]] == ["present"], found.text
    finally:
        gateway.stop()
        for started in functions.values():
            started.stop()


def test_the_image_holds_at_most_450_megabytes(packages: Path, stage_pack: ModelPack) -> None:
    """Lambda reads the image at a cold start. Python's bytecode, which its build adds, takes 31 MB."""

    def size(folder: Path) -> float:
        files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return sum(file.stat().st_size for file in files) / 1e6

    assert size(packages) + size(stage_pack.directory) + size(ROOT / "layers") + size(ROOT / "web") < 450 - 31


def test_the_packages_of_the_image_import_the_server_and_every_command_but_the_evaluation(packages: Path) -> None:
    modules = sorted({place.split(":")[0] for place, _ in COMMANDS.values()})
    imports = "; ".join(f"import muster.cli.{module}" for module in modules)
    server = "import muster.api.app, muster.cli.server, muster.composition.aws_recognition, onnxruntime, cv2, openpyxl"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{imports}; {server}"], env=environment(packages), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    missing = subprocess.run(
        [sys.executable, "-S", "-m", "muster", "evaluate", str(ROOT / "samples")],
        env=environment(packages),
        capture_output=True,
        text=True,
    )
    assert "library_missing" in missing.stderr
    assert "scipy" in missing.stderr
