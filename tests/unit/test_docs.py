"""The documentation names only what exists: links, make targets, commands, settings, codes, files."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from benchmarks.__main__ import MODULES
from muster import __version__
from muster.composition.aws_settings import AwsSettings, RetrainSettings, TrainingJobSettings
from muster.composition.settings import LocalSettings
from tests.command_tree import leaf_commands
from tools.generated_docs import sections
from tools.prose import tracked_files
from tools.wrap import wrap

ROOT = Path(__file__).parents[2]
PAGES = [*(path for path in tracked_files() if path.suffix == ".md"), ROOT / "docs" / "style.md"]
ALL = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
GONE = {"MUSTER_TARGET_FPIR"}
EXAMPLES = {"web/languages/fr.js", "layers/muster/packs/data/NAME.json"}

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@by_page
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@by_page
def test_prose_is_wrapped(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    assert wrap(content) == content, f"run: python -m tools.wrap {page.relative_to(ROOT)}"


def test_make_targets_exist() -> None:
    named = set(re.findall(r"(?:`|^|; |&& )make ([a-z][a-z-]+)", ALL, re.MULTILINE))
    assert named
    assert named <= TARGETS


def test_benchmarks_exist() -> None:
    named = set(re.findall(r"BENCH=(\w+)", ALL))
    assert named
    assert named <= set(MODULES)


def test_the_command_line_page_lists_every_command_and_the_docs_name_no_other() -> None:
    known = {
        ("muster", *words): {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for words, command in leaf_commands().items()
    }
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert {words for words in known if f"`{' '.join(words)}" not in page} == set()
    groups = {words[1] for words in known if len(words) == 3}
    for line in re.findall(r"(?:`|^|/bin/)(muster [a-z][^`\n|]*)", ALL, re.MULTILINE):
        words = tuple(line.split()[:3])
        command = words if words[1] in groups else words[:2]
        if command == ("muster", words[1]) and words[1] in groups:
            continue  # `muster users` alone stands for the group
        assert command in known, line
        named = set(re.findall(r"(?<= )--[a-z][a-z-]+|(?<=\[)--[a-z][a-z-]+", line.split(" #")[0]))
        assert named <= known[command], line


def test_the_settings_page_lists_every_setting_and_the_docs_name_no_other() -> None:
    models = (LocalSettings, AwsSettings, RetrainSettings, TrainingJobSettings)
    fields = {f"MUSTER_{name.upper()}" for model in models for name in model.model_fields}
    # Read by the command line or by the benchmarks, not by a settings model.
    others = {"MUSTER_HOST", "MUSTER_PORT", "MUSTER_BEHIND_PROXY", "MUSTER_DEBUG"}
    page = set(re.findall(r"`(MUSTER_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert page == fields | others | GONE
    assert set(re.findall(r"MUSTER_[A-Z_]+", ALL)) <= page | {"MUSTER_SHARED"}


def test_generated_sections_match_the_code() -> None:
    for page, content, generated in sections():
        assert content == generated, f"{page.name}: run make docs"


def test_files_named_in_docs_exist() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = set(listed.splitlines())
    folders = {parent.as_posix() for name in tracked for parent in Path(name).parents}
    inside = r"`((?:layers|tests|infra|functions|web|containers|requirements|benchmarks|tools|docs|samples)/[\w./-]+)`"
    for name in set(re.findall(inside, ALL)) - EXAMPLES:
        assert name.rstrip("/") in tracked | folders, name


def test_the_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\] - (\S+)$", changelog, re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert released[0] == (__version__, str(citation["date-released"]))
    assert citation["version"] == __version__
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"] == ["version"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_workflows_call_make_targets_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    yaml.safe_load(text)
    assert set(re.findall(r"run: make ([\w-]+)", text)) <= TARGETS


def test_docs_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"]({name})" not in index} == set()
    records = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert all(f"]({path.name})" in records for path in (ROOT / "docs" / "decisions").glob("0*.md"))
