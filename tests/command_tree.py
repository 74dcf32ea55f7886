"""All commands of `muster`, by their words."""

from typing import Any

from muster.cli.app import COMMANDS, load_command


def leaf_commands() -> dict[tuple[str, ...], Any]:
    """Return the commands that do something, such as `("students", "list")`, without the groups around them."""
    found: dict[tuple[str, ...], Any] = {}
    for name in COMMANDS:
        command: Any = load_command(name)
        if hasattr(command, "commands"):
            found |= {(name, below): leaf for below, leaf in command.commands.items()}
        else:
            found[name,] = command
    return found
