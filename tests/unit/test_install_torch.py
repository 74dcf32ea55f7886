"""`requirements/install_torch.sh`, with an index of local files in place of PyTorch's and of the ordinary one."""

import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements/install_torch.sh"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one build of torch")


def add_wheel(index: Path, version: str) -> None:
    """Put an empty package called torch into an index."""
    folder, info = index / "torch", f"torch-{version}.dist-info"
    folder.mkdir(parents=True)
    with ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    link = f'<a href="torch-{version}-py3-none-any.whl">torch-{version}-py3-none-any.whl</a>'
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")


def install(folder: Path, *, wanted: str = "torch==9.9.9") -> tuple[str, list[str]]:
    """Run the script; return what it prints and the versions that it installed."""
    target = folder / "site"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_TARGET": str(target),
        "PIP_INDEX_URL": (folder / "ordinary").as_uri(),
        "TORCH_CPU_INDEX": (folder / "processor").as_uri(),
    }
    command = ["bash", str(SCRIPT), sys.executable, wanted]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, sorted(found.name for found in target.glob("torch-*.dist-info"))


def test_the_build_for_the_processor_is_preferred(tmp_path: Path) -> None:
    add_wheel(tmp_path / "processor", "9.9.9+cpu")
    add_wheel(tmp_path / "ordinary", "9.9.9")
    said, installed = install(tmp_path)
    assert installed == ["torch-9.9.9+cpu.dist-info"]
    assert "200 MB" in said
    assert "NVIDIA" not in said


def test_the_ordinary_build_follows_where_there_is_none_with_its_size_said_first(tmp_path: Path) -> None:
    (tmp_path / "processor").mkdir()
    add_wheel(tmp_path / "ordinary", "9.9.9")
    said, installed = install(tmp_path)
    assert installed == ["torch-9.9.9.dist-info"]
    assert re.search(r"has none for this machine.*3 GB, 5 GB on disk.*Successfully installed torch", said, re.DOTALL)
