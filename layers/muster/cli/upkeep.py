"""`muster backup`, `restore`, `doctor` and `retention`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from muster.cli.backend import named_stage, open_backend, stage_settings, store_name
from muster.cli.confirmation import confirm
from muster.cli.output import DataOption, JsonOption, emit, steps
from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidRequest
from muster.domain.finding import Finding


def backup(
    destination: Annotated[Path, typer.Argument(help="A new folder, best named with the date.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the local store to a new folder and verify the copy. The server may be running.

    The folder holds faces and names: keep it as safe as the store. Its erasures.json names nobody. With the newest one,
    an older backup can be restored without the students who were erased since.
    """
    from muster.composition.upkeep import back_up

    with steps("backing up") as progress:
        made = back_up(_folder(data), destination, progress)

    def show(console: Console) -> None:
        console.print(
            f"[green]Backed up[/] to {escape(str(destination))} and verified: {made.counts['students']} students, "
            f"{made.counts['sessions']} sessions, {len(made.files)} photos and heads.",
            soft_wrap=True,
        )
        if made.missing:
            console.print(
                f"[yellow]{len(made.missing)} photos or heads are missing from the store[/]: see `muster doctor`."
            )

    document = {
        "backup": str(destination),
        "made_at": made.made_at,
        "verified": True,
        "counts": made.counts,
        "files": len(made.files),
        "missing": list(made.missing),
    }
    emit(document, as_json, show)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `muster backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move an existing store to a folder inside the data folder.")
    ] = False,
    erasures: Annotated[
        list[Path] | None,
        typer.Option(help="The erasures.json of a newer backup or of a lost store; may be repeated."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a backup and restore the local store from it. Stop the server first.

    Erasures and withdrawals since the backup are applied again, from the replaced store and from the files given with
    --erasures. Users and tokens of the replaced store are kept if it can be read.
    """
    from muster.composition.upkeep import restore as restore_store

    with steps("restoring") as progress:
        done = restore_store(source, _folder(data), progress, replace=replace, lists=erasures or [])

    def show(console: Console) -> None:
        counts = done.backup.counts
        console.print(
            f"[green]Restored[/] the backup of {done.backup.made_at[:16]} UTC: {counts['students'] - done.erased} "
            f"students, {counts['sessions']} sessions. Applied again since the backup: "
            f"{_count(done.erased, 'erasure')}, {_count(done.withdrawn, 'withdrawal')}.",
            soft_wrap=True,
        )
        if not done.list_known:
            console.print(
                "[yellow]No later list of erasures was found.[/] Erase those students again, or add --erasures.",
                soft_wrap=True,
            )
        if done.users_from_backup:
            console.print(
                "[yellow]Users and their tokens came from the backup[/]: "
                f"{escape(', '.join(done.users_from_backup))}. Remove users who left with `muster users remove ID`, "
                "and issue new tokens with `muster users token ID`.",
                soft_wrap=True,
            )
        if done.replaced is not None:
            console.print(
                f"The replaced store is in {escape(str(done.replaced))}. `muster doctor` lists it until you delete it.",
                soft_wrap=True,
            )

    document = {
        "restored": str(source),
        "made_at": done.backup.made_at,
        "counts": done.backup.counts,
        "erased_again": done.erased,
        "withdrawn_again": done.withdrawn,
        "erasures_known": done.list_known,
        "users_from_backup": list(done.users_from_backup),
        "replaced": None if done.replaced is None else str(done.replaced),
    }
    emit(document, as_json, show)


def doctor(
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="First move files that are not in the database out of the way.")
    ] = False,
    exercise: Annotated[
        bool, typer.Option("--exercise", help="On a stage: also send test photos and a test alarm, and train once.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --exercise: do not ask for confirmation.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the local store, the model pack and the head, or a stage. The exit status is 1 if there is a problem.

    Without --set-aside nothing is changed, and the server may be running. On a stage, --exercise takes up to half an
    hour, notifies everyone who receives the alarms, and costs one training run.
    """
    findings, moved, examined = _examine(data, set_aside=set_aside, exercise=exercise, yes=yes)
    problems = [finding for finding in findings if finding.problem]

    def show(console: Console) -> None:
        for finding in findings:
            colour = "bold red" if finding.problem else "yellow"
            console.print(f"[{colour}]{finding.code}[/]: {escape(finding.detail)}", soft_wrap=True, highlight=False)
        if set_aside:
            console.print(f"Moved {moved} files.")
        if not problems:
            console.print(f"[green]No problems found[/] in {examined}.")

    document = {
        "healthy": not problems,
        "moved": moved,
        "findings": [
            {"code": finding.code, "problem": finding.problem, "detail": finding.detail} for finding in findings
        ],
    }
    emit(document, as_json, show)
    if problems:
        raise typer.Exit(1)


def _examine(data: Path | None, *, set_aside: bool, exercise: bool, yes: bool) -> tuple[list[Finding], int, str]:
    """Return the findings, the number of files that were moved, and what was examined.

    Raises:
        InvalidRequest: an option does not fit the store.
    """
    if named_stage() is None:
        from muster.composition.upkeep import check_system, set_aside_unknown

        if exercise:
            raise InvalidRequest("--exercise is for a stage on AWS: leave it out, or name the stage.")
        folder = _folder(data)
        moved = set_aside_unknown(folder)[0] if set_aside else 0
        return check_system(folder), moved, "database, files, model pack, head, permissions and disk space"
    if set_aside:
        raise InvalidRequest("--set-aside is for a local store: leave it out on a stage.")
    from muster.composition.stage_doctor import check_stage

    if exercise:
        confirm(f"Notify everyone who receives the alarms, and run a training job, on {store_name(data)}?", yes)
    with steps("checking the stage") as progress:
        findings = check_stage(stage_settings(), progress, exercise=exercise)
    examined = "stacks, table, notices, alarms, queues, functions, accounts, site and quotas"
    return findings, 0, f"{examined}, test alarm, test photos and training" if exercise else examined


def retention(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation on a stage.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove photos of sessions, and sessions, that are past their limits. `muster serve` does so each day.

    The limits are MUSTER_KEEP_PHOTOS_DAYS (30) and MUSTER_KEEP_SESSIONS_DAYS (none: sessions are kept). On a stage only
    sessions are removed: its photos expire by the rules of the bucket.
    """
    stage = named_stage()
    if stage is not None and (days := stage_settings().keep_sessions_days) is not None:
        # The limit comes from this machine's environment, which need not be the stage's.
        confirm(f"Remove the sessions of {store_name(data)} that are older than {days} days for good?", yes)
    expired = open_backend(data).retention.run()
    removed = f"{expired.sessions} sessions" if stage else f"{expired.photos} photos and {expired.sessions} sessions"
    emit(
        {"photos": expired.photos, "sessions": expired.sessions},
        as_json,
        lambda console: console.print(f"Removed {removed}."),
    )


def _folder(data: Path | None) -> Path:
    return data or LocalSettings().data


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
