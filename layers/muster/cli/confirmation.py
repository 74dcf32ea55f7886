"""Questions before something is removed for good."""

import sys

import typer


def confirm(question: str, yes: bool) -> None:
    """Ask before something cannot be undone, unless the answer was given with `--yes`.

    Without a terminal the answer may come from a pipe; where there is none, the command ends with exit status 2 and
    names the option.
    """
    if yes:
        return
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise typer.BadParameter("there is no terminal to ask at. Add --yes to confirm.", param_hint="--yes") from None
