"""The `muster` command with all its subcommands."""

import logging
import sys
from typing import Annotated

import typer

from muster import __version__
from muster.cli import attendance, groups, packs, recognition, serving, sessions, students, training, users
from muster.cli.demo import demo
from muster.cli.evaluation import evaluate
from muster.cli.failures import exit_on_failure
from muster.cli.upkeep import backup, doctor, restore, retention

app = typer.Typer(
    name="muster",
    help="Attendance from one group photo.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(recognition.register)
app.command()(recognition.detect)
app.command()(serving.serve)
app.command()(training.train)
app.command()(evaluate)
app.command()(retention)
app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.add_typer(attendance.app, name="attendance")
app.add_typer(groups.app, name="groups")
app.add_typer(sessions.app, name="sessions")
app.add_typer(students.app, name="students")
app.add_typer(packs.app, name="packs")
app.add_typer(users.app, name="users")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"muster {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Attendance from one group photo."""


def main() -> None:
    """Run the command. Exit status 0 is success, 1 failure, 2 wrong usage."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with exit_on_failure():
        app()
