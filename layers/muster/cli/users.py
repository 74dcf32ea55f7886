"""`muster users`: users of the server on this machine; `muster.cli.accounts` has those of an AWS stage."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli import accounts
from muster.cli.addresses import checked_address, network_addresses, page_address
from muster.cli.backend import named_stage
from muster.cli.confirmation import confirm
from muster.cli.output import DataOption, JsonOption, emit
from muster.cli.qr import show_qr, sign_in_link
from muster.composition.local import LocalBackend
from muster.domain.errors import GroupNotFound, InvalidRequest
from muster.domain.identifiers import parse_group_id, parse_user_id
from muster.domain.user import Role, User

app = typer.Typer(help="Users of the server on this machine, or of an AWS stage.", no_args_is_help=True)
accounts.register(app)

UserArgument = Annotated[str, typer.Argument(help="The user's id, such as ada.")]
QrOption = Annotated[bool, typer.Option("--qr", help="Also show a QR code with which a phone signs in.")]
AddressOption = Annotated[
    str | None,
    typer.Option(help="Address of the server for the phone; default: this machine's network address."),
]
HttpsOption = Annotated[bool, typer.Option("--https", help="The server runs with --tls-certificate.")]
PortOption = Annotated[int, typer.Option(envvar="MUSTER_PORT", min=1, max=65535, help="The server's port.")]


def _address(address: str | None, port: int, https: bool) -> str:
    """Return the address of the server for a phone.

    Raises:
        InvalidRequest: `address` is not an address, or this machine is not in a network.
    """
    if address is not None:
        return checked_address(address, port, https=https)
    found = network_addresses()
    if not found:
        raise InvalidRequest("This machine is not in a network: give the server's address with --address.")
    return page_address(found[0], port, https=https)


def _show_token(user_id: str, token: str, as_json: bool, address: str | None) -> None:
    """Show a token, and with an address also the link and QR code that sign in there."""
    link = None if address is None else sign_in_link(address, token)

    def show(console: Console) -> None:
        console.print(f"The token of {user_id}, shown only once:")
        console.print(token, highlight=False, soft_wrap=True)
        if link is not None:
            console.print(
                f"\nScan this with the phone's camera, or open the link. Anyone who has it can sign in as {user_id}:"
            )
            show_qr(console, link)
            console.print(link, highlight=False, soft_wrap=True)

    emit({"user_id": user_id, "token": token, **({} if link is None else {"link": link})}, as_json, show)


@app.command()
def add(
    user_id: UserArgument,
    role: Annotated[Role, typer.Option(help="An admin sees everything, a teacher their own groups.")] = Role.TEACHER,
    name: Annotated[str, typer.Option(help="The user's name.")] = "",
    group: Annotated[list[str] | None, typer.Option(help="A group that the user teaches; may be repeated.")] = None,
    create_group: Annotated[bool, typer.Option("--create-group", help="Create groups that do not exist.")] = False,
    qr: QrOption = False,
    address: AddressOption = None,
    port: PortOption = 8000,
    https: HttpsOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user of the server on this machine and show their token.

    Once a user exists, every request needs a token.
    """
    user = User(parse_user_id(user_id), role, name)
    where = _address(address, port, https) if qr else None
    groups = list(map(parse_group_id, group or []))
    try:
        token = LocalBackend(data).users.add(user, groups, create_groups=create_group)
    except GroupNotFound as error:
        raise GroupNotFound(f"{error} To create it, add --create-group.") from error
    _show_token(user_id, token, as_json, where)


@app.command("list")
def list_users(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the users."""
    if named_stage() is not None:
        accounts.list_accounts(as_json)
        return
    found = LocalBackend(data).users.find()

    def show(console: Console) -> None:
        table = Table("id", "role", "name")
        for user in found:
            table.add_row(user.id, user.role.value, escape(user.name))
        console.print(table if found else "There are no users. Requests from this machine are treated as admin.")

    document = [{"user_id": user.id, "role": user.role.value, "name": user.name} for user in found]
    emit(document, as_json, show)


@app.command()
def token(
    user_id: UserArgument,
    qr: QrOption = False,
    address: AddressOption = None,
    port: PortOption = 8000,
    https: HttpsOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace a token of the server on this machine and show the new one."""
    identifier = parse_user_id(user_id)
    where = _address(address, port, https) if qr else None
    _show_token(identifier, LocalBackend(data).users.renew_token(identifier), as_json, where)


@app.command()
def remove(
    user_id: UserArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    last_admin: Annotated[bool, typer.Option("--last-admin", help="Remove the user even if no admin is left.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a user and revoke their token; on an AWS stage, delete the account of an e-mail address."""
    if named_stage() is not None:
        accounts.remove_account(user_id, yes, last_admin, as_json)
        return
    identifier = parse_user_id(user_id)
    users = LocalBackend(data).users
    user = users.get(identifier)
    confirm(f"Remove the {user.role} {user.id} and revoke their token?", yes)
    users.remove(identifier, last_admin=last_admin)
    emit({"removed": identifier}, as_json, lambda console: console.print(f"Removed the user {identifier}."))
