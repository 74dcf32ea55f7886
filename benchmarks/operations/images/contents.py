"""Checks of the contents of an image."""

from pathlib import Path

from benchmarks.operations.images.containers import Image

_COMPILERS = {"gcc", "cc", "g++", "c++", "clang", "ld", "make"}
_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic"}


def faults(image: Image, base: Image, *, torch: bool) -> list[str]:
    """Return what is wrong with the contents of an image above its base; nothing, where all is well.

    Args:
        torch: whether torch belongs in it.
    """
    (packages,) = (image.folder / "opt/venv/lib").glob("python3*/site-packages")
    found = []
    if (packages / "torch").is_dir() != torch:
        found.append("torch is there" if not torch else "torch is missing")
    if image.config["User"] in ("", "0", "root"):
        found.append("it runs as root")
    if (_programs(image) - _programs(base)) & _COMPILERS:
        found.append("a compiler is left")
    if list(packages.glob("pip*")) or list((image.folder / "opt/venv/bin").glob("pip*")):
        found.append("pip is left")
    found += [f"{path} is left" for path in ("src", "wheels", "opt/build", "root/.cache") if _holds(image, path)]
    added = [path for path in (image.folder / "opt").rglob("*") if path.is_file() and not path.is_symlink()]
    found += [f"{path.name} is left" for path in added if path.suffix == ".whl"]
    found += [f"the picture {path.name} is there" for path in added if _is_photo(path)]
    found += [f"{path.name} can be written by anyone" for path in added if path.stat().st_mode & 0o022]
    found += [f"{path.name} has no licence" for path in packages.glob("*.dist-info") if not _licensed(path)]
    return found


def _programs(image: Image) -> set[str]:
    folders = ("bin", "usr/bin", "usr/local/bin")
    return {path.name for folder in folders for path in (image.folder / folder).glob("*")}


def _holds(image: Image, path: str) -> bool:
    return (image.folder / path).exists()


def _is_photo(path: Path) -> bool:
    # The web client brings drawn icons.
    return path.suffix.lower() in _PICTURES and "muster" in path.parts and not {"matplotlib", "icons"} & set(path.parts)


def _licensed(metadata: Path) -> bool:
    words = ("licen", "copying", "notice")
    if any(word in path.name.lower() for path in metadata.rglob("*") for word in words):
        return True
    # A package without files of its own has nothing to license.
    record = (metadata / "RECORD").read_text(encoding="utf-8").splitlines()
    if all(line.split("/")[0] == metadata.name for line in record):
        return True
    # Some wheels put the text beside the code, or only name an approved licence.
    text = (metadata / "METADATA").read_text(encoding="utf-8")
    return any(line.lower().startswith(("license:", "license-expression:")) for line in text.splitlines())
