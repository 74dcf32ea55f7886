"""Systems that each command works on: a stage on AWS or a local store, a local store only, or neither."""

from collections.abc import Mapping
from typing import Any, Final

import typer

ON_STAGES: Final = frozenset(
    {
        *("students list", "students import", "students register", "students change", "students consent"),
        *("students learned-faces", "students forget-faces", "students withdraw", "students erase"),
        *("groups list", "groups add", "groups change", "groups remove"),
        *("notices list", "notices preview", "notices contacts"),
        *("substitutes list", "substitutes add", "substitutes remove"),
        *("oneroster import", "tokens list", "tokens add", "tokens revoke"),
        *("absences list", "absences add", "absences remove"),
        *("guests list", "guests add", "guests remove"),
        *("sessions list", "sessions show", "sessions open", "sessions questions", "sessions confirm"),
        *("sessions name", "sessions mark", "sessions close", "sessions reopen"),
        *("sessions remove-photo", "sessions remove"),
        *("codes list", "codes preset", "codes change"),
        *("lessons import", "lessons list", "lessons not-taken"),
        *("attendance report", "attendance export"),
        *("reports breakdown", "reports absences", "reports low", "reports day", "reports evacuation"),
        *("reports sheet", "reports moodle", "reports mapped", "reports changes"),
        *("users list", "users remove"),
        *("train", "retention", "packs migrate", "packs measure", "doctor"),
    }
)
"""Commands that work on the stage that the environment names, and otherwise on the local store."""

LOCAL_ONLY: Final[Mapping[str, str]] = {
    "register": "Register with the web client of the stage, or many students with `muster students register`.",
    "students photo": "Replace the photo with the web client of the stage, on the student's page in administration.",
    "detect": "Call the roll with the web client of the stage.",
    "users add": "`muster users invite` adds an account to a stage.",
    "users token": "Users of a stage sign in with their accounts.",
    "backup": "The table of a stage has point-in-time recovery: see docs/operations.md.",
    "restore": "The table of a stage has point-in-time recovery: see docs/operations.md.",
    "notices send": "A stage whose configuration has `notices` sends what is due every five minutes.",
    "serve": "The deployment serves the web client and the API of a stage.",
}
"""Commands that work on a local store only, with the way to do the same on a stage."""

STAGE_ONLY: Final = frozenset(
    {
        *("users invite", "users change", "users disable", "users enable", "users resend"),
        "users reset-authenticator",
    }
)
"""Commands that work on the accounts of a stage only."""

WITHOUT_STORE: Final = frozenset({"demo", "evaluate", "packs build", "packs list", "packs verify"})
"""Commands that use neither; `muster demo` has a store of its own, which it replaces each time."""


def command_of(context: typer.Context) -> str:
    """Return the names of a command below `muster`, such as `students import`."""
    names = []
    node: Any = context
    while node.parent is not None:
        names.append(node.info_name or "")
        node = node.parent
    return " ".join(reversed(names))
