"""Wrap the prose of Markdown files at the width that docs/style.md sets.

Run as `python -m tools.wrap [FILE...]`; without files, every tracked Markdown file is wrapped. Tables, code, headings,
HTML comments and the sections that benchmarks generate stay unchanged.
"""

import re
import sys
import textwrap
from pathlib import Path

from tools.prose import MAX_LINE, tracked_files

ITEM = re.compile(r"\s*(?:[-*]|\d+\.) ")
UNBREAKABLE = re.compile(r"`[^`]+`|!?\[[^\]]*\]\([^)]*\)")
LOOKS_LIKE_MARKUP = re.compile(r" (?=(?:[-+*>#|]+|\d+\.) )")
"""A space after which a new line would begin an item, a heading, a quotation or a table."""


def wrap(content: str) -> str:
    """Return the document with every paragraph, list item and quotation wrapped."""
    lines: list[str] = []
    paragraph: list[str] = []
    fence, generated = False, False

    def end_paragraph() -> None:
        if paragraph:
            lines.extend(_wrapped(paragraph))
            paragraph.clear()

    for line in content.splitlines():
        stripped = line.strip()
        fence ^= stripped.startswith("```")
        if stripped.startswith("<!-- measured:"):
            generated = "begin" in stripped
        if fence or generated or not stripped or stripped.startswith(("```", "|", "#", "<", "![")):
            end_paragraph()
            lines.append(line)
            continue
        if ITEM.match(line) or (stripped.startswith(">") and not (paragraph and paragraph[0].startswith(">"))):
            end_paragraph()
        paragraph.append(line)
    end_paragraph()
    return "\n".join(lines) + "\n"


def _wrapped(paragraph: list[str]) -> list[str]:
    if paragraph[0].startswith(">"):
        return [f"> {line}" for line in _filled([line.removeprefix(">").strip() for line in paragraph], MAX_LINE - 2)]
    item = ITEM.match(paragraph[0])
    prefix = item.group() if item else paragraph[0][: len(paragraph[0]) - len(paragraph[0].lstrip())]
    lines = _filled([paragraph[0][len(prefix) :], *paragraph[1:]], MAX_LINE - len(prefix))
    return [f"{prefix}{lines[0]}", *(f"{' ' * len(prefix)}{line}" for line in lines[1:])]


def _filled(parts: list[str], width: int) -> list[str]:
    text = " ".join(part.strip() for part in parts)
    text = UNBREAKABLE.sub(lambda found: found.group().replace(" ", "\0"), text)
    text = LOOKS_LIKE_MARKUP.sub("\0", text)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def main(arguments: list[str]) -> int:
    """Wrap the files in place and return the exit status."""
    files = [Path(argument) for argument in arguments] or [path for path in tracked_files() if path.suffix == ".md"]
    for path in files:
        content = path.read_text(encoding="utf-8")
        wrapped = wrap(content)
        if wrapped != content:
            path.write_text(wrapped, encoding="utf-8")
            sys.stdout.write(f"wrapped {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
