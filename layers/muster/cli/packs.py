"""`muster packs`: build, list, verify and change model packs."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.backend import named_stage, open_backend, open_migration
from muster.cli.output import DataOption, JsonOption, emit, steps
from muster.cli.pack_switch import check_switch, confirm_left_out
from muster.composition.settings import DEFAULT_PACK, LocalSettings, installed_folder
from muster.domain.errors import InvalidRequest
from muster.packs.load import BuiltPack, ModelPack
from muster.packs.manifest import NeutralStatistics

app = typer.Typer(help="Model packs: detector, segmenter and embedder with pinned weights.", no_args_is_help=True)

PackArgument = Annotated[str, typer.Argument(help="Name of the pack.")]


@app.command()
def build(
    name: Annotated[str | None, typer.Argument(help=f"Name of the pack. Default: {DEFAULT_PACK}.")] = None,
    weights_from: Annotated[
        str | None,
        typer.Option(
            "--from", help="Folder or s3://bucket/prefix that holds the weights; default: where they are published."
        ),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(help="FILE=SHA256: the expected hash of a file without a published one; may be repeated."),
    ] = None,
    pinned: Annotated[
        bool, typer.Option("--pinned", help="Refuse a file whose hash is neither published nor pinned.")
    ] = False,
    statistics_from: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with pictures of 200 or more people, to measure the pack's population statistics on.",
        ),
    ] = None,
    statistics_licence: Annotated[
        str, typer.Option(help="Licence of those pictures, recorded in the manifest.")
    ] = "not stated",
    precision: Annotated[str | None, typer.Option(help="Precision of the weights, such as float16.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a pack. Every file is verified by SHA-256, every exported network compared with its original."""
    from muster.composition.vision import open_models
    from muster.services.packs.building import build_pack
    from muster.services.packs.statistics import measure_statistics

    settings = LocalSettings()
    home = settings.home
    if name is None:
        name = DEFAULT_PACK if precision is None else "embedded"
    if precision not in (None, "float32"):
        name = f"{name}-{precision}"
    with steps(f"building {name}") as progress:
        pack = build_pack(
            name,
            home,
            weights_from=weights_from,
            pins=_pins(pin or []),
            samples=installed_folder("samples"),
            progress=progress,
            pinned=pinned,
        )
        if statistics_from is not None:
            vision = open_models(pack, settings.threads)
            pack = measure_statistics(
                pack, vision, home, statistics_from, licence=statistics_licence, progress=progress
            )

    def show(console: Console) -> None:
        console.print(f"Pack [bold]{pack.id}[/] is ready in {pack.directory}", soft_wrap=True)
        for used in pack.manifest.weights:
            if used.pinned == "first use":
                console.print(
                    f"No hash of {used.file} is published, so this file's hash is required from now on. Compare it "
                    "with the publisher's file, then pin it:\n"
                    f"  muster packs build {name} --pin {used.file}={used.sha256}",
                    soft_wrap=True,
                    highlight=False,
                )
        if _statistics(pack) == "neutral":
            console.print(
                "The pack has no population statistics yet, so it asks about many faces. Measure them with "
                "--statistics-from.",
                soft_wrap=True,
            )

    emit(_described(pack), as_json, show)


@app.command("list")
def list_packs(as_json: JsonOption = False) -> None:
    """List the packs built on this machine."""
    from muster.packs.load import list_packs as built_packs

    packs = [_described(pack) for pack in built_packs(LocalSettings().home)]

    def show(console: Console) -> None:
        if not packs:
            console.print("No packs are built yet: run `muster packs build embedded`.")
            return
        table = Table()
        for column in ("name", "id", "MB", "weights pinned by", "statistics", "directory"):
            table.add_column(column, overflow="fold")
        for pack in packs:
            pinned = ", ".join(sorted({weights["pinned"] for weights in pack["weights"]})) or "published"
            row = (pack["name"], pack["id"], pack["megabytes"], pinned, pack["statistics"], pack["directory"])
            table.add_row(*map(str, row))
        console.print(table)

    emit(packs, as_json, show)


@app.command()
def verify(name: PackArgument = DEFAULT_PACK, as_json: JsonOption = False) -> None:
    """Verify the SHA-256 of every file of a built pack."""
    from muster.packs.load import load_pack, verify_pack

    pack = load_pack(name, LocalSettings().home)
    verify_pack(pack)
    files = [file.name for file in pack.manifest.files]

    def show(console: Console) -> None:
        console.print(f"{pack.id}: {', '.join(files)} are unchanged since the build.")
        for used in pack.manifest.weights:
            pinned = "pinned on first use" if used.pinned == "first use" else f"pinned, {used.pinned}"
            console.print(f"  {used.file}: {pinned} ({used.sha256})", soft_wrap=True, highlight=False)

    emit({**_described(pack), "verified": files}, as_json, show)


@app.command()
def migrate(
    name: PackArgument,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Switch even if some students must be registered again with a photo.")
    ] = False,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Embed the students with the new pack, but switch nothing yet.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Also delete the templates of the previous pack, which a stage keeps.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the students to another pack. If interrupted, it resumes where it stopped.

    It asks before students are left out, and before templates of the previous pack are deleted. A stage is switched
    only if its functions run the new pack.
    """
    if prepare and finish:
        raise InvalidRequest("--prepare switches nothing, so there is nothing to finish: leave out one of them.")
    migration = open_migration(name, data)
    if not prepare:
        check_switch(name, data, finish=finish, yes=yes)
    asks = leave_out and not prepare and not yes
    left_out = confirm_left_out(migration, data) if asks else leave_out
    with steps(f"migrating to {name}") as progress:
        report = migration.run(progress, leave_out=left_out, prepare=prepare)
        if finish and report.switched:
            migration.staging.delete()

    def show(console: Console) -> None:
        if report.again:
            table = Table("student", "name", "why", title="To be registered again")
            for student in report.again:
                table.add_row(student.student_id, student.name, student.detail)
            console.print(table)
        if prepare:
            console.print(f"{report.staged} students have a template of [bold]{report.pack}[/].", soft_wrap=True)
            return
        if not report.switched:
            console.print(
                f"Nothing was changed. Add --leave-out to switch without these {len(report.again)} students, who stay "
                "on the roster until they are registered again.",
                soft_wrap=True,
            )
            return
        if report.migrated:
            console.print(f"Migrated {report.migrated} students to [bold]{report.pack}[/].", soft_wrap=True)
        else:
            console.print(
                f"No students to migrate: the pack [bold]{report.pack}[/] can use all templates.", soft_wrap=True
            )
        if report.without_learned:
            console.print(f"{len(report.without_learned)} templates lost the faces that they had learned.")
        console.print(_next_step(name), soft_wrap=True)

    emit(asdict(report), as_json, show)
    if not report.switched and (report.again or not prepare):
        raise typer.Exit(1)


@app.command()
def measure(name: PackArgument = "cloud", data: DataOption = None, as_json: JsonOption = False) -> None:
    """Measure the statistics of a pack that has none on your registered students. Nobody's embedding is kept."""
    with steps(f"measuring {name}") as progress:
        progress("measuring statistics", 0.0)
        result = open_backend(data).measure_pack(name)

    def show(console: Console) -> None:
        if result.used:
            console.print(f"The statistics of {result.students} students are in use from the next start.")
        else:
            console.print(f"Nothing changed ({result.students} students). {result.reason}", soft_wrap=True)

    emit(asdict(result), as_json, show)
    if not result.used:
        raise typer.Exit(1)


def _next_step(name: str) -> str:
    if named_stage() is None:
        return f"Set MUSTER_PACK={name}, then run `muster train --full`."
    return f'Deploy the stage with pack="{name}", unless it uses that pack already.'


def _pins(given: list[str]) -> dict[str, str]:
    pins = {}
    for text in given:
        file, _, sha256 = text.partition("=")
        if not file or not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise InvalidRequest(
                f"{text!r} is not a pin: write FILE=SHA256, the hash as 64 lower-case hexadecimal digits."
            )
        pins[file] = sha256
    return pins


def _described(pack: BuiltPack | ModelPack) -> dict[str, Any]:
    manifest = pack.manifest
    return {
        "pack": pack.id,
        "name": manifest.name,
        "id": pack.id,
        "directory": str(pack.directory),
        "megabytes": round(sum(file.bytes for file in manifest.files) / 1e6, 1),
        "weights": [used.model_dump(mode="json") for used in manifest.weights],
        "parity": manifest.parity,
        "statistics": _statistics(pack),
        "licences": sorted({source.licence for source in manifest.sources}),
    }


def _statistics(pack: BuiltPack | ModelPack) -> str:
    if pack.manifest.own_statistics is not None:
        return "measured here"
    return "neutral" if isinstance(pack.manifest.statistics, NeutralStatistics) else "shipped"
