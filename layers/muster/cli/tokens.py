"""`muster tokens`: API tokens of other systems."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.confirmation import confirm
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.actor import OPERATOR
from muster.domain.api_token import Scope
from muster.domain.identifiers import parse_group_id
from muster.services.exchange.api_tokens import DEFAULT_DAYS

app = typer.Typer(help="API tokens of other systems, such as a school's information system.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The token's name, such as school-office.")]


@app.command("list")
def list_tokens(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List all tokens without their secrets, revoked ones too."""
    from muster.api.schemas.tokens import ApiTokenDocument, ApiTokenList

    found = open_records(data).api_tokens.find()

    def show(console: Console) -> None:
        table = Table("name", "scopes", "groups", "expires", "last used", "revoked")
        for token in found:
            days = (token.expires_at, token.last_used_at, token.revoked_at)
            table.add_row(
                token.name,
                ", ".join(sorted(token.scopes)),
                "all" if token.groups is None else ", ".join(sorted(token.groups)),
                *("" if day is None else f"{day:%Y-%m-%d}" for day in days),
            )
        console.print(table if found else "There are no tokens.")

    document = ApiTokenList(items=[ApiTokenDocument.of(token) for token in found])
    emit(document.model_dump(mode="json"), as_json, show)


@app.command()
def add(
    name: NameArgument,
    scope: Annotated[list[Scope], typer.Option(help="What the token may be used for; may be repeated.")],
    group: Annotated[
        list[str] | None, typer.Option(help="A group that it may be used for; may be repeated. Default: all.")
    ] = None,
    days: Annotated[int, typer.Option(help="After which it expires.")] = DEFAULT_DAYS,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a token and show it, once."""
    from muster.api.schemas.tokens import ApiTokenDocument

    groups = list(map(parse_group_id, group)) if group else None
    token, text = open_records(data).api_tokens.add(name, scope, groups, OPERATOR.user_id, days)

    def show(console: Console) -> None:
        console.print(f"The token {token.name}, shown only once:")
        console.print(text, highlight=False, soft_wrap=True)

    emit(ApiTokenDocument.of(token).model_dump(mode="json") | {"token": text}, as_json, show)


@app.command()
def revoke(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token invalid from now on. Its name stays in the list."""
    from muster.api.schemas.tokens import ApiTokenDocument

    tokens = open_records(data).api_tokens
    confirm(f"Revoke the token {name}?", yes)
    token = tokens.revoke(name)
    document = ApiTokenDocument.of(token).model_dump(mode="json")
    emit(document, as_json, lambda console: console.print(f"Revoked the token {token.name}."))
