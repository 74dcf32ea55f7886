"""Checks and questions of `muster packs migrate`, before something is switched or deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from muster.cli.backend import deployed_packs, named_stage, store_name
from muster.cli.confirmation import confirm
from muster.cli.output import steps
from muster.domain.errors import PackMismatch

if TYPE_CHECKING:
    from muster.domain.identifiers import StudentId
    from muster.services.packs.migration import Migration


def check_switch(name: str, data: Path | None, *, finish: bool, yes: bool) -> None:
    """Check that the functions of a stage run the pack that its students are switched to; ask where necessary.

    Args:
        finish: whether the templates of the previous pack are deleted.
        yes: do not ask.

    Raises:
        PackMismatch: the functions run a pack that cannot be compared with it.
    """
    store, doubt = store_name(data), ""
    if named_stage() is not None:
        packs = deployed_packs()
        if packs is None:
            doubt = f"It could not be checked that the functions run {name}. "
        elif others := sorted(each for each in packs if not _comparable(each, name)):
            raise PackMismatch(
                f'The functions of {store} run the pack {", ".join(others)}: deploy the stage with pack="{name}" '
                "first. --prepare embeds the students before the deployment."
            )
    if finish:
        confirm(f"{doubt}Switch {store} to {name}, and delete the templates of the previous pack?", yes)
    elif doubt:
        confirm(f"{doubt}Switch {store} to {name}?", yes)


def _comparable(one: str, other: str) -> bool:
    from muster.domain.packs import comparable
    from muster.packs.manifest import shipped_names, shipped_spec

    shipped = shipped_names()
    known = one in shipped and other in shipped
    return one == other or (known and comparable(shipped_spec(one).id, shipped_spec(other).id))


def confirm_left_out(migration: Migration, data: Path | None) -> frozenset[StudentId]:
    """Embed the students, and ask whether those who cannot be migrated may be left out. Return these."""
    with steps("embedding the students") as progress:
        report = migration.run(progress, prepare=True)
    students = [student.student_id for student in report.again]
    if students:
        confirm(
            f"Delete photo, template and consent of {len(students)} students in {store_name(data)}, who must be "
            f"registered again: {', '.join(students)}?",
            yes=False,
        )
    return frozenset(students)
