"""`muster users` on AWS: accounts of the stage's user pool."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import named_stage, open_accounts
from muster.cli.confirmation import confirm
from muster.cli.output import JsonOption, emit
from muster.cli.store import print_stage
from muster.domain.errors import GroupNotFound, InvalidRequest
from muster.domain.identifiers import GroupId, parse_group_id
from muster.domain.user import Account, Role
from muster.services.roster.account_types import AccountChange, AccountOverview, ExpectedUser, Invitation
from muster.services.roster.accounts import Accounts

WhoArgument = Annotated[str, typer.Argument(help="The user's e-mail address, or id.")]
GroupOption = Annotated[list[str] | None, typer.Option(help="A group that the user teaches; may be repeated.")]
CreateGroupOption = Annotated[bool, typer.Option("--create-group", help="Create groups that do not exist.")]
LastAdminOption = Annotated[bool, typer.Option("--last-admin", help="Go on even if no admin is left.")]


def register(app: typer.Typer) -> None:
    """Add the commands that only a user pool has."""
    app.command()(invite)
    app.command()(change)
    app.command()(disable)
    app.command()(enable)
    app.command()(resend)
    app.command("reset-authenticator")(reset_authenticator)


def invite(
    email: Annotated[str, typer.Argument(help="The e-mail address, such as ada@example.edu.")],
    role: Annotated[Role, typer.Option(help="An admin sees everything, a teacher their own groups.")] = Role.TEACHER,
    name: Annotated[str, typer.Option(help="The user's name.")] = "",
    group: GroupOption = None,
    create_group: CreateGroupOption = False,
    single_sign_on: Annotated[
        bool,
        typer.Option(
            "--single-sign-on",
            help="The user signs in at the school's own sign-in: send no invitation, keep the groups for them.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Invite a user of an AWS stage by e-mail.

    Running it again completes an invitation that was interrupted and sends no second mail.
    """
    accounts = _open()
    groups = _groups(group)
    try:
        if single_sign_on:
            expected = accounts.expect(email, groups, create_groups=create_group)
            emit(
                expected_document(expected),
                as_json,
                lambda console: console.print(
                    f"{expected.email} will teach {', '.join(expected.groups)} from their first sign-in on."
                ),
            )
            return
        overview = accounts.invite(
            Invitation(email=email, role=role, name=name, groups=groups, create_groups=create_group)
        )
    except GroupNotFound as error:
        raise GroupNotFound(f"{error} To create it, add --create-group.") from error
    said = "Invited" if overview.invited else "No mail was sent, because this account exists already:"
    _emit(overview, said, as_json)


def change(
    who: WhoArgument,
    role: Annotated[Role | None, typer.Option(help="The new role.")] = None,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    join: Annotated[list[str] | None, typer.Option(help="A group to teach; may be repeated.")] = None,
    leave: Annotated[list[str] | None, typer.Option(help="A group to teach no longer; may be repeated.")] = None,
    last_admin: LastAdminOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change role, name or groups of a user of an AWS stage. A new role counts from the next sign-in on."""
    wanted = AccountChange(role=role, name=name, join=_groups(join), leave=_groups(leave))
    _emit(_open().change(who, wanted, last_admin=last_admin), "Changed", as_json)


def disable(
    who: WhoArgument,
    last_admin: LastAdminOption = False,
    as_json: JsonOption = False,
) -> None:
    """Refuse the sign-ins of a user of an AWS stage; a token that was already issued expires within the hour."""
    _emit_account(_open().disable(who, last_admin=last_admin), "Disabled", as_json)


def enable(who: WhoArgument, as_json: JsonOption = False) -> None:
    """Allow the sign-ins of a disabled user of an AWS stage again."""
    _emit_account(_open().enable(who), "Enabled", as_json)


def resend(who: WhoArgument, as_json: JsonOption = False) -> None:
    """Send an invitation again, with a new temporary password."""
    _emit_account(_open().resend(who), "Sent another invitation to", as_json)


def reset_authenticator(
    who: WhoArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a lost authenticator app; the next sign-in registers another.

    Make sure that the person who asks is the user: until then, the password alone signs in.
    """
    accounts = _open()
    confirm(f"Remove the authenticator of {who} and end all their sessions?", yes)
    _emit_account(accounts.forget_authenticator(who), "Removed the authenticator of", as_json)


def list_accounts(as_json: bool) -> None:
    """Show every account with its groups, and everyone who is expected to sign in."""
    accounts = open_accounts()
    found, expected = accounts.find(), accounts.expected()

    def show(console: Console) -> None:
        table = Table("e-mail", "name", "role", "groups", "state")
        for overview in found:
            account = overview.account
            state = account.state.replace("_", " ") + (", single sign-on" if account.single_sign_on else "")
            cells = account.email, account.name, account.role or "", ", ".join(overview.groups), state
            table.add_row(*map(escape, cells))
        for person in expected:
            table.add_row(escape(person.email), "", "", escape(", ".join(person.groups)), "expected, single sign-on")
        console.print(
            table if found or expected else "There are no accounts. Invite the first with `muster users invite`."
        )

    emit([*map(document, found), *map(expected_document, expected)], as_json, show)


def remove_account(who: str, yes: bool, last_admin: bool, as_json: bool) -> None:
    """Delete an account and take its groups."""
    accounts = open_accounts()
    confirm(f"Delete the account of {who}? `muster users disable` keeps it, and their name beside changes.", yes)
    removed = accounts.remove(who, last_admin=last_admin)
    emit({"removed": removed}, as_json, lambda console: console.print(f"Removed the account of {removed}."))


def document(overview: AccountOverview) -> dict[str, Any]:
    """Describe an account as JSON."""
    return {**_account_document(overview.account), "group_ids": list(overview.groups)}


def expected_document(expected: ExpectedUser) -> dict[str, Any]:
    """Describe someone who has not signed in yet as JSON."""
    return {
        "user_id": None,
        "email": expected.email,
        "name": "",
        "role": None,
        "state": "expected",
        "single_sign_on": True,
        "group_ids": list(expected.groups),
    }


def _account_document(account: Account) -> dict[str, Any]:
    return {
        "user_id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "state": account.state,
        "single_sign_on": account.single_sign_on,
    }


def _open() -> Accounts:
    if named_stage() is None:
        raise InvalidRequest(
            "This command works on the user pool of an AWS stage: set MUSTER_TABLE and the variables beside it, as "
            "docs/operations.md describes. On one machine, use `muster users add`."
        )
    print_stage()
    return open_accounts()


def _groups(texts: Sequence[str] | None) -> list[GroupId]:
    return [parse_group_id(text) for text in texts or ()]


def _emit(overview: AccountOverview, said: str, as_json: bool) -> None:
    account = overview.account
    groups = f", groups: {', '.join(overview.groups)}" if overview.groups else ""
    emit(
        {**document(overview), "invited": overview.invited},
        as_json,
        lambda console: console.print(f"{said} {account.email} ({account.role or 'no role'}{groups}).", markup=False),
    )


def _emit_account(account: Account, said: str, as_json: bool) -> None:
    emit(
        _account_document(account),
        as_json,
        lambda console: console.print(f"{said} {account.email}.", markup=False),
    )
