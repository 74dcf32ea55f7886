"""Confirmation of commands that cannot be undone."""

import sys

import typer


def confirm(question: str, yes: bool) -> None:
    """Ask for confirmation, unless `--yes` was given.

    The answer can come from a pipe. Without one, and without a terminal, the command ends with exit status 2.
    """
    if yes:
        return
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise typer.BadParameter("not a terminal. Add --yes to confirm.", param_hint="--yes") from None
