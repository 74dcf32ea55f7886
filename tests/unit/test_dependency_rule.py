"""Imports go one way: entry points, services, then vision, recognition, training and storage, then domain."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "layers" / "muster"

# Packages of the project that each package may import, in addition to itself.
ALLOWED = {
    "domain": set[str](),
    "vision": {"domain"},
    "recognition": {"domain"},
    "packs": {"domain"},
    "training": {"domain", "recognition"},
    "storage": {"domain"},
    "evaluation": {"domain", "vision", "recognition"},
    "reports": {"domain"},
    "services": {"domain", "vision", "recognition", "storage", "reports", "packs"},
    "api": {"domain", "services", "storage", "vision", "reports"},
    "composition": {
        "domain",
        "vision",
        "recognition",
        "packs",
        "training",
        "storage",
        "services",
        "evaluation",
        "reports",
        "api",
    },
    "entrypoints": {
        "domain",
        "recognition",
        "packs",
        "training",
        "storage",
        "services",
        "api",
        "composition",
    },
    "cli": {"domain", "services", "composition", "api", "packs", "evaluation", "vision", "reports"},
}
# Modules beside the packages that every part may import.
SHARED = {"arrays", "progress"}
# Heavy or foreign packages, and the only parts that may import them.
CONFINED = {
    "torch": {"training", "packs/export"},
    "torchvision": set[str](),
    "ultralytics": {"packs/export"},
    "facenet_pytorch": {"packs/export"},
    "segmentation_models_pytorch": {"packs/export"},
    "pytorch_metric_learning": {"training"},
    "boto3": {"storage", "packs", "composition"},
    "botocore": {"storage", "packs", "composition"},
    "sqlite3": {"storage"},
    "fastapi": {"api"},
    "typer": {"cli"},
    "onnx": {"packs"},
    "tensorboard": {"packs"},
    "tflite": {"packs"},
}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE]


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def test_every_part_has_a_rule() -> None:
    assert {part_of(path) for path in modules()} == set(ALLOWED)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_part_may(path: Path) -> None:
    part, folder = part_of(path), path.relative_to(PACKAGE).parent.as_posix()
    for name in imports_of(path):
        if name.startswith("muster."):
            other = name.split(".")[1]
            assert other in {part, *ALLOWED[part], *SHARED}, f"{part} may not import {name}"
        root = name.split(".")[0]
        assert root not in CONFINED or {part, folder} & CONFINED[root], f"{folder} may not import {root}"


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_shared_module_imports_nothing_of_ours(name: str) -> None:
    assert not {other for other in imports_of(PACKAGE / f"{name}.py") if other.startswith("muster")}


def test_services_see_only_the_ports_of_storage() -> None:
    for path in modules():
        if part_of(path) in ("services", "api"):
            storage = {name for name in imports_of(path) if name.startswith("muster.storage")}
            assert storage <= {"muster.storage.ports"}, path


def test_nothing_below_the_entry_points_reads_the_environment() -> None:
    for path in modules():
        if part_of(path) not in ("cli", "composition"):
            text = path.read_text(encoding="utf-8")
            assert "os.environ" not in text, path
            assert "getenv" not in text, path
