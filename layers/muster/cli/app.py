"""The `muster` command with all its subcommands."""

import logging
import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from muster import __version__
from muster.cli.failures import exit_on_failure
from muster.cli.garbage import paused_collection

COMMANDS: Final = {
    "demo": (
        "demo:demo",
        "Register a class from one portrait per student, read a photo of the class and show the register.",
    ),
    "register": ("recognition:register", "Register one student from one photo."),
    "detect": ("recognition:detect", "Read photos of a group and mark the students who are present."),
    "serve": ("serving:serve", "Serve the web client and the HTTP API, which is documented at /docs."),
    "train": (
        "training:train",
        "Train recognition on the registered students. The result is used only if it is better than the one in use.",
    ),
    "evaluate": (
        "evaluation:evaluate",
        "Measure recognition on labelled photos: whole class photos, and every face by itself.",
    ),
    "retention": (
        "upkeep:retention",
        "Remove photos of sessions, and sessions, that are past their limits. `muster serve` does so each day.",
    ),
    "backup": ("upkeep:backup", "Copy the local store to a new folder and verify the copy. The server may be running."),
    "restore": ("upkeep:restore", "Verify a backup and restore the local store from it. Stop the server first."),
    "doctor": (
        "upkeep:doctor",
        "Check the local store, the model pack and the head, or a stage. The exit status is 1 if there is a problem.",
    ),
    "attendance": ("attendance:app", "Attendance reports of a group, a student or a session."),
    "codes": ("codes:app", "Attendance codes of the school."),
    "lessons": ("lessons:app", "The timetable: lessons of groups, and registers that are not taken."),
    "reports": ("reports:app", "Breakdowns, absences, days, evacuation lists and blank sheets."),
    "groups": ("groups:app", "Classes and courses."),
    "sessions": ("sessions:app", "List, show, open, correct and remove sessions."),
    "students": ("students:app", "Students on the roster."),
    "absences": ("absences:app", "Planned absences of students."),
    "guests": ("guests:app", "Guests of sessions: people who are there without being in the group."),
    "notices": ("notices:app", "Notices of absences by e-mail and webhook."),
    "oneroster": ("oneroster:app", "Rosters of a school's information system, as OneRoster CSV."),
    "packs": ("packs:app", "Model packs: detector, segmenter and embedder with pinned weights."),
    "substitutes": ("substitutes:app", "Codes of substitutes, for one day."),
    "tokens": ("tokens:app", "API tokens of other systems, such as a school's information system."),
    "users": ("users:app", "Users of the server on this machine, or of an AWS stage."),
}
"""Where each command of `muster` is defined, in `muster.cli`, and its line in `muster --help`."""


class CommandGroup(TyperGroup):
    """Imports a command when it is run, because importing all of them takes longer than most commands do."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command with its options and subcommands, or None if there is no such command."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of `muster`, which needs the names and first lines of the commands only."""
        listed = TyperGroup(
            name=self.name,
            commands=dict(self.commands),
            params=self.params,
            help=self.help,
            rich_markup_mode=self.rich_markup_mode,
        )
        listed.format_help(ctx, formatter)


def load_command(name: str) -> Any:
    """Import the command of that name: a `TyperCommand`, or a `TyperGroup` with subcommands."""
    module, attribute = COMMANDS[name][0].split(":")
    with paused_collection():
        found = getattr(import_module(f"muster.cli.{module}"), attribute)
        group = typer.Typer()
        if isinstance(found, typer.Typer):
            group.add_typer(found, name=name)
        else:
            group.command(name)(found)
        return typer.main.get_group(group).commands[name]


app = typer.Typer(
    name="muster",
    cls=CommandGroup,
    help="Attendance from one group photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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
    # Looking for plugins of pydantic reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with exit_on_failure():
        app()
