"""Output that the imports share: findings, changes, and what was done."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.services.roster_import.findings import Finding, Severity

_MAX_LINES = 20
_SEVERITIES = {
    Severity.ERROR: "[red]error[/]",
    Severity.WARNING: "[yellow]check[/]",
    Severity.INFORMATION: "note",
}


def show_findings(console: Console, found: Sequence[Finding]) -> None:
    """Show the first findings of an import, errors first; with their files if there are several."""
    if not found:
        return
    several = any(finding.file for finding in found)
    table = Table(*(["file"] if several else []), "row", "column", "", "code", "what to do")
    for column in table.columns:
        column.overflow = "fold"
    # Errors come before notes.
    order = list(Severity)
    findings = sorted(found, key=lambda finding: order.index(finding.severity))
    for finding in findings[:_MAX_LINES]:
        severity = _SEVERITIES[finding.severity]
        file = [finding.file or ""] if several else []
        table.add_row(
            *file, str(finding.row), escape(finding.column or ""), severity, finding.code, escape(finding.detail)
        )
    console.print(table)
    _show_rest(console, len(findings))


def show_lines(console: Console, lines: Sequence[str]) -> None:
    """Print the first of these lines, and how many follow."""
    for line in lines[:_MAX_LINES]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    _show_rest(console, len(lines))


def show_outcome(console: Console, counts: str, *, errors: int, applied: bool, source: str) -> None:
    """Print what an import did.

    Args:
        counts: of the changes, in words.
        source: what has to be corrected after an error, such as "file".
    """
    if applied:
        console.print(f"[green]Imported[/]: {counts}.", highlight=False)
    elif errors:
        counted = "1 error" if errors == 1 else f"{errors} errors"
        console.print(f"[bold red]Nothing was written[/]: {counted}. Correct the {source}, then import it again.")
    else:
        console.print(f"Nothing was written. Without --dry-run: {counts}.", highlight=False)


def _show_rest(console: Console, number: int) -> None:
    if number > _MAX_LINES:
        console.print(f"... and {number - _MAX_LINES} more; --json lists them all.", highlight=False)
