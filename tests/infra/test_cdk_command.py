"""The `cdk` command as an operator runs it from a fresh clone: the command in cdk.json, the stage, and the layer."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra import layer
from infra.app import ROOT, select_stages
from infra.config import DEV, PROD

CLONED = (
    *("containers", "functions", "infra", "layers", "requirements", "web"),
    *("cdk.json", "pyproject.toml", "README.md", "LICENSE", "NOTICE", ".dockerignore"),
)
PYTHON_OF_CLONE = """#!/bin/sh
exec '{python}' "$@"
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what deploys, in a folder with a space, before its set-up."""
    folder = tmp_path_factory.mktemp("fresh clone")
    for name in CLONED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The only folder on the path: two of the system's tools, and neither Python nor Node.js."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("sh", "dirname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def set_up(clone: Path) -> None:
    """Do what `make infra` does, with the packages of this process."""
    python = clone / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON_OF_CLONE.format(python=sys.executable))
    python.chmod(0o755)
    (clone / ".venv/infra").touch()


def run(clone: Path, programs: Path, context: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Run the command of cdk.json with the environment that the CDK command line gives it."""
    command = json.loads((clone / "cdk.json").read_text())["app"]
    environment = {
        "PATH": str(programs),
        "HOME": os.environ.get("HOME", "/tmp"),  # noqa: S108
        "CDK_DOCKER": "/bin/false",
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "CDK_OUTDIR": "cdk.out",
        "CDK_CLI_VERSION": "2.1148.1",
        "CDK_CONTEXT_JSON": json.dumps(context),
    }
    shell = shutil.which("sh") or "/bin/sh"
    return subprocess.run(
        [shell, "-c", command], cwd=clone, env=environment, capture_output=True, text=True, timeout=240
    )


@pytest.mark.cdk
def test_a_fresh_clone_names_the_set_up_then_synthesizes_dev_and_never_without_a_layer(
    clone: Path, programs: Path
) -> None:
    before = run(clone, programs, {})
    assert (before.returncode, "Run: make infra" in before.stderr) == (1, True)
    assert not (clone / "cdk.out").exists()

    set_up(clone)
    without_layer = run(clone, programs, {"aws:cdk:bundling-stacks": ["**"]})
    assert without_layer.returncode == 1
    assert without_layer.stderr.rstrip().endswith("Then run: make layer")
    assert "Traceback" not in without_layer.stderr
    assert not list((clone / "cdk.out").glob("*.template.json"))

    unknown = run(clone, programs, {"stage": "production"})
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (1, False)
    assert "There is no stage production" in unknown.stderr

    # `cdk ls` packages nothing, so it needs no layer.
    listed = run(clone, programs, {"aws:cdk:bundling-stacks": []})
    assert listed.returncode == 0, listed.stderr
    assert {path.name.split("-")[1] for path in (clone / "cdk.out").glob("*.template.json")} == {DEV.stage}

    os.utime(clone / "requirements/infra.txt")
    assert "Run: make infra" in run(clone, programs, {}).stderr


def test_the_context_selects_one_stage_or_all() -> None:
    assert select_stages(None, "dev") == [DEV]
    assert select_stages("prod", "dev") == [PROD]
    assert select_stages("all", "dev") == [DEV, PROD]
    with pytest.raises(ValueError, match="dev, prod, all"):
        select_stages("production", "dev")


def test_a_layer_is_stale_after_a_change_of_its_packages_or_of_the_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []

    def install(command: list[str], *, check: bool) -> None:
        folder = Path(command[command.index("--target") + 1])
        folder.mkdir(parents=True)
        (folder / f"made-{len(built)}.txt").touch()
        built.append(folder)

    monkeypatch.setattr(subprocess, "run", install)
    lock = tmp_path / layer.LOCK
    lock.parent.mkdir()
    lock.write_text("a==1\n")

    layer.ensure(tmp_path)
    layer.ensure(tmp_path)
    assert len(built) == 1

    lock.write_text("a==2\n")
    layer.ensure(tmp_path)
    monkeypatch.setattr(layer, "PYTHON_VERSION", "3.15")
    layer.ensure(tmp_path)

    assert len(built) == 3
    assert [path.name for path in (tmp_path / layer.PREPARED).iterdir()] == ["made-2.txt"]
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["layer"]


def test_a_layer_whose_build_fails_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], *, check: bool) -> None:
        raise subprocess.CalledProcessError(1, command)

    (tmp_path / "requirements").mkdir()
    (tmp_path / layer.LOCK).write_text("a==1\n")
    (tmp_path / layer.PREPARED).mkdir(parents=True)
    monkeypatch.setattr(subprocess, "run", fail)

    with pytest.raises(layer.LayerNotBuilt):
        layer.ensure(tmp_path)

    assert (tmp_path / layer.PREPARED).is_dir()
    assert not layer.is_prepared(tmp_path)


def test_the_layer_has_bytecode_if_the_functions_python_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "layers/muster"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("answer = 42\n")
    (tmp_path / "requirements").mkdir()
    (tmp_path / layer.LOCK).write_text("")

    def bundled(version: str) -> list[Path]:
        monkeypatch.setattr(layer, "PYTHON_VERSION", version)
        folder = tmp_path / version
        assert layer._Copy(tmp_path).try_bundle(str(folder))
        return list(folder.rglob("*.pyc"))

    (compiled,) = bundled(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert compiled.parent.parent == compiled.parents[3] / "python/muster"
    assert b"/opt/python/muster/__init__.py" in compiled.read_bytes()
    assert bundled("9.99") == []
