"""The web client's files hang together: nothing that it asks for is missing, and its worker keeps all of it."""

import re
from pathlib import Path

import pytest

from infra.web_files import WEB, WORKER, kept_files, stamped

MODULES = sorted(path for path in WEB.rglob("*.js") if "vendor" not in path.parts)
_IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
_TEXT = re.compile(r"""\bt\(\s*["']([a-zA-Z.]+)["']""")
_ENTRY = re.compile(r'^  "([a-zA-Z._]+)":', re.MULTILINE)


def test_the_worker_keeps_the_files_as_they_are() -> None:
    worker = (WEB / WORKER).read_text(encoding="utf-8")
    assert worker == stamped(worker), "run: make web"


def test_another_file_is_another_version(tmp_path: Path) -> None:
    worker = (WEB / WORKER).read_text(encoding="utf-8")
    (tmp_path / "index.html").write_text("one", encoding="utf-8")
    first = stamped(worker, tmp_path)
    assert 'const FILES = [\n  "/",\n];' in first
    (tmp_path / "index.html").write_text("two", encoding="utf-8")
    assert stamped(worker, tmp_path) != first
    assert stamped(first, tmp_path) == stamped(worker, tmp_path)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_what_a_module_imports_is_there_and_kept(module: Path) -> None:
    kept = set(kept_files())
    for imported in _IMPORT.findall(module.read_text(encoding="utf-8")):
        assert (module.parent / imported).resolve() in kept | {WEB / WORKER}, imported


def test_every_text_that_is_shown_is_in_the_catalogue() -> None:
    english = [WEB / "languages" / "en.js", WEB / "languages" / "admin" / "en.js"]
    catalogue = {key for file in english for key in _ENTRY.findall(file.read_text(encoding="utf-8"))}
    shown = {key for module in MODULES for key in _TEXT.findall(module.read_text(encoding="utf-8"))}
    assert shown - catalogue == set()
    assert len(shown) > 80


def test_no_module_reads_text_as_markup_or_code() -> None:
    forbidden = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "unsafeHTML",
    )
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        assert not [word for word in forbidden if word in text], module


def test_no_file_names_another_site() -> None:
    for path in kept_files():
        if path.suffix in (".js", ".css", ".html", ".webmanifest") and "vendor" not in path.parts:
            assert "https://" not in path.read_text(encoding="utf-8"), path
