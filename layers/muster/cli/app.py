"""The `muster` command: wires the commands together and turns failures into exit codes."""

import json
import logging
import sys

import typer

from muster.cli import attendance, groups, packs, recognition, serving, sessions, students, training, users
from muster.cli.demo import demo
from muster.cli.evaluation import evaluate
from muster.cli.output import stderr
from muster.cli.retention import retention
from muster.cli.upkeep import backup, doctor, restore
from muster.domain.errors import MusterError

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


def main() -> None:
    """Run; exit 0 done, 1 the work failed, 2 wrong usage."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except MusterError as error:
        if "--json" in sys.argv:
            json.dump({"code": error.code, "detail": str(error)}, sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")
        stderr.print(f"[bold red]{error.code}[/]: {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
