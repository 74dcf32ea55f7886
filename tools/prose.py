"""Check the language of code, docs and texts against the project's style rules.

Run as `python -m tools.prose [FILE...]`; without files, every tracked text file is checked. The exit status is 1 if
anything was found. docs/style.md explains each rule.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SUFFIXES = {".py", ".js", ".md"}
EXCLUDED = (
    "web/vendor/",
    "samples/",
    "tools/prose.py",
    "docs/style.md",
    "tests/unit/test_prose.py",
    "containers/vision/NOTICE.md",
    "LICENSE",
    "NOTICE",
)

MAX_SENTENCE_WORDS = 35
"""Longest sentence of the docs. The style guide asks for 25; the check leaves room for lists of names."""

MAX_LINE = 100
"""Longest line of prose in Markdown, in characters."""

BANNED = {
    r"\bwhom(?:ever)?\b|\bwhoever\b": "name the people: 'callers', 'anyone who', 'students who'",
    r"(?:^|[\"'(#*|>-] ?|[.;:] )Who (?:is|are|was|has|have|had|does|may|can|cannot|will|comes?|asks?)\b(?![^.]*\?)": (
        "begin with the people: 'Students who ...'"
    ),
    r"\banew\b": "write 'again'",
    r"\bbesides\b": "write 'also' or 'in addition'",
    r"\bmeanwhile\b": "write 'concurrently' or 'by then'",
    r"\bin between\b": "write 'between' with what it is between, or 'concurrently'",
    r"\bbut for\b": "write 'except'",
    r"\bleft aside\b": "write 'ignored'",
    r"\bheed(?:s|ed)?\b": "write 'obey' or 'ignore'",
    r"\b(?:is|are|was|were|be|been|being) told\b|\btold of\b": "a callback is called with a value; people are notified",
    r"\blearnt\b": "write 'learned'",
    r"\b(?:is|are|was|were) of (?!course\b|interest\b|type\b)": "write 'has', 'belongs to' or 'comes from'",
    r"\bas (?:it is|they are)\b(?! (?:\w+ed|read|sent|written)\b)": "write 'unchanged'",
    r"\btheirs no more\b|\bno more of\b": "write 'no longer'",
    r"\bone an? (?:student|session|photo|group|row|person|face|day|line|file|user|request|page|pack|stage|table)\b": (
        "write 'one per ...'"
    ),
    r"\bmend(?:s|ed|ing)?\b": "write 'fix' or 'correct'",
    r"\bfor one in\b|\bfor one, ": "name the variable after the thing",
    r"\b_?(?:MOST|LEAST|FEWEST)_": "write MAX_ or MIN_",
    r"\b(?:most|least|fewest)_(?:bytes|faces|files|rows|photos|students|pixels)\b": "write max_ or min_",
    r"^```[^`]+```": "a sentence does not begin with a code block; use inline code",
}
RULES = tuple((re.compile(pattern), advice) for pattern, advice in BANNED.items())
INDIRECT_QUESTION = re.compile(r"(?:What|Who|Where|Whether|Why|When|How|Which)\b(?!.*\?)")
WORD = re.compile(r"\w+(?:[-'.,/]\w+)*")
CODE = re.compile(r"`[^`]+`")
LINK_OR_CODE = re.compile(r"`[^`]*`|\]\([^)]*\)|https?://\S+")


class Finding(NamedTuple):
    """A place that breaks a rule."""

    path: Path
    line: int
    text: str
    advice: str


def check(path: Path) -> Iterator[Finding]:
    """Yield the findings of one file."""
    content = path.read_text(encoding="utf-8")
    for number, line in enumerate(content.splitlines(), 1):
        prose = CODE.sub("`x`", line) if path.suffix == ".md" else line
        for pattern, advice in RULES:
            found = pattern.search(prose)
            if found:
                yield Finding(path, number, found.group().strip(), advice)
    if path.suffix == ".py":
        yield from _module_docstring(path, content)
    if path.suffix == ".md":
        yield from _markdown(path, content)


def _module_docstring(path: Path, content: str) -> Iterator[Finding]:
    docstring = ast.get_docstring(ast.parse(content))
    if docstring and INDIRECT_QUESTION.match(docstring.splitlines()[0]):
        yield Finding(path, 1, docstring.splitlines()[0], "a module docstring is a noun phrase or an imperative")


def _markdown(path: Path, content: str) -> Iterator[Finding]:
    in_code, paragraph, start = False, "", 1
    for number, line in enumerate([*content.splitlines(), ""], 1):
        if line.lstrip().startswith("```") or line.startswith("<!-- measured:"):
            in_code = not in_code  # code, or a section that a benchmark writes
            continue
        if in_code or line.lstrip().startswith(("|", "#", "<", ">")):
            continue
        if len(line) > MAX_LINE and len(LINK_OR_CODE.sub("", line)) > MAX_LINE // 2:
            yield Finding(path, number, line[:40], f"wrap at {MAX_LINE} characters")
        if line.strip() and not re.match(r"\s*(?:[-*]|\d+\.) ", line):
            paragraph, start = f"{paragraph} {line.strip()}", start if paragraph else number
            continue
        yield from _long_sentences(path, start, paragraph)
        paragraph, start = line.strip(), number


def _long_sentences(path: Path, line: int, paragraph: str) -> Iterator[Finding]:
    for sentence in re.split(r"(?<=[.!?:])\s+", LINK_OR_CODE.sub("", paragraph)):
        if len(WORD.findall(sentence)) > MAX_SENTENCE_WORDS:
            yield Finding(path, line, sentence[:60], f"a sentence has at most {MAX_SENTENCE_WORDS} words")


def tracked_files() -> list[Path]:
    """Return the text files under version control that the rules apply to."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    names = [name for name in listed.stdout.split("\0") if Path(name).suffix in SUFFIXES]
    return [ROOT / name for name in names if not name.startswith(EXCLUDED) and (ROOT / name).exists()]


def main(arguments: list[str]) -> int:
    """Print the findings and return the exit status."""
    files = [Path(argument).resolve() for argument in arguments] or tracked_files()
    findings = [finding for path in files for finding in check(path)]
    for path, line, text, advice in findings:
        sys.stdout.write(f"{path.relative_to(ROOT)}:{line}: {text!r}: {advice}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
