"""`muster users`: who may use this machine's server."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.output import DataOption, JsonOption, emit
from muster.composition.local import open_users
from muster.domain.identifiers import parse_group_id, parse_user_id
from muster.domain.user import Role, User

app = typer.Typer(help="Users of this machine's server, each with a token.", no_args_is_help=True)

UserArgument = Annotated[str, typer.Argument(help="The user's id, such as ada.")]


def _show_token(user_id: str, token: str, as_json: bool) -> None:
    def show(console: Console) -> None:
        console.print(f"The token of {user_id}, shown this once:")
        console.print(token, highlight=False, soft_wrap=True)

    emit({"user_id": user_id, "token": token}, as_json, show)


@app.command()
def add(
    user_id: UserArgument,
    role: Annotated[Role, typer.Option(help="An admin sees everything, a teacher their own groups.")] = Role.TEACHER,
    name: Annotated[str, typer.Option(help="As people call them.")] = "",
    group: Annotated[list[str] | None, typer.Option(help="A group that they teach; may be repeated.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a user and show their token.

    From the first user on, every request needs a token.
    """
    user = User(parse_user_id(user_id), role, name)
    _show_token(user_id, open_users(data).add(user, [parse_group_id(one) for one in group or []]), as_json)


@app.command("list")
def list_users(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the users."""
    found = open_users(data).find()

    def show(console: Console) -> None:
        table = Table("id", "role", "name")
        for user in found:
            table.add_row(user.id, user.role.value, escape(user.name))
        console.print(table if found else "There is no user: whoever sits at this machine is admin.")

    document = [{"user_id": user.id, "role": user.role.value, "name": user.name} for user in found]
    emit(document, as_json, show)


@app.command()
def token(user_id: UserArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Give a user another token and show it; the old one ends."""
    identifier = parse_user_id(user_id)
    _show_token(identifier, open_users(data).renew_token(identifier), as_json)


@app.command()
def remove(user_id: UserArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Remove a user; their token ends."""
    identifier = parse_user_id(user_id)
    open_users(data).remove(identifier)
    emit({"removed": identifier}, as_json, lambda console: console.print(f"The user {identifier} is gone."))
