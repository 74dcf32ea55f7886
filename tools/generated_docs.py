"""Regenerate the sections of the documentation that the code defines: the error codes and the dependency table.

Run as `python -m tools.generated_docs`, or `make docs`. A section lies between `<!-- generated: NAME begin -->` and
`<!-- generated: NAME end -->`. tests/unit/test_docs.py fails if one differs from the code.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from muster.api.problems import status_of
from muster.domain.errors import MusterError
from tests.command_tree import leaf_commands
from tests.unit.test_dependency_rule import ALLOWED

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "layers" / "muster"


def error_codes() -> str:
    """Return the table of error codes, grouped by HTTP status."""
    # Loads every module that defines an error.
    leaf_commands()
    lines = ["| code | HTTP status | meaning |", "|---|---|---|"]
    errors = sorted(_subclasses(MusterError), key=lambda error: (_status(error), error.code))
    lines += [f"| `{error.code}` | {_status(error)} | {_summary(error.__doc__)} |" for error in errors]
    return "\n".join(lines)


def dependency_table() -> str:
    """Return the table of packages, with the purpose from each docstring and the imports that the rule allows."""
    lines = ["| package | purpose | may import |", "|---|---|---|"]
    for name, allowed in ALLOWED.items():
        purpose = _summary(ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))))
        imports = ", ".join(sorted(allowed)) or "nothing"
        lines.append(f"| `{name}` | {purpose} | {imports} |")
    return "\n".join(lines)


SECTIONS = {
    ("errors.md", "error codes"): error_codes,
    ("architecture.md", "dependencies"): dependency_table,
}


def sections() -> Iterator[tuple[Path, str, str]]:
    """Yield each page that has a generated section, with its text now and as the code defines it."""
    for (page, name), generate in SECTIONS.items():
        path = DOCS / page
        begin, end = (f"<!-- generated: {name} {side} -->" for side in ("begin", "end"))
        content = path.read_text(encoding="utf-8")
        before, _, rest = content.partition(begin)
        _, _, after = rest.partition(end)
        yield path, content, f"{before}{begin}\n\n{generate()}\n\n{end}{after}"


def _subclasses(error: type[MusterError]) -> Iterator[type[MusterError]]:
    for subclass in error.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _status(error: type[MusterError]) -> int:
    return int(status_of(error("")))


def _summary(docstring: str | None) -> str:
    paragraph = " ".join((docstring or "").split("\n\n")[0].split())
    return re.split(r"(?<=\w)\. ", paragraph)[0].rstrip(".")


def main() -> int:
    """Write every generated section and return the exit status."""
    for path, _, generated in sections():
        path.write_text(generated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
