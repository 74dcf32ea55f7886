"""`muster reports moodle` and `muster reports mapped`: marks for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from muster.cli.attendance import SinceOption, UntilOption, ZoneOption, write_file
from muster.cli.backend import open_records
from muster.cli.naming import find_session
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import parse_group_id
from muster.domain.period import Period, parse_day
from muster.reports.mark_rows import MarkRow
from muster.reports.moodle import UserField, moodle_archive, moodle_marks

GroupOption = Annotated[str | None, typer.Option("--group", help="All sessions of this group.")]
SessionOption = Annotated[
    str | None, typer.Option("--session", help="One session: its id or the beginning of it, or `last`.")
]
OutputOption = Annotated[Path, typer.Option(help="The file to write.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]


def moodle(
    output: OutputOption,
    group: GroupOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    user_field: Annotated[
        UserField, typer.Option(help="Field of a Moodle user that holds the student's id.")
    ] = UserField.IDNUMBER,
    codes: Annotated[bool, typer.Option("--codes", help="Write the school's codes instead of P, L, A and E.")] = False,
    force: ForceOption = False,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write marks for Moodle's attendance plugin: a ZIP archive of a group, or the CSV file of one session."""
    rows = _rows(group, session, Period(parse_day(since), parse_day(until)), time_zone, data)
    if session is None:
        content = moodle_archive(rows, user_field, codes=codes)
    else:
        content = moodle_marks(rows, user_field, codes=codes)
    _finish(output, content, rows, force=force, as_json=as_json)


def mapped(
    output: OutputOption,
    mapping: Annotated[Path, typer.Option(help="The file that names columns and values (docs/reports.md).")],
    group: GroupOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    force: ForceOption = False,
    time_zone: ZoneOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write marks as a file whose columns and values a mapping names."""
    from muster.reports.mapped_file import mapped_file, read_mapping

    try:
        text = mapping.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{mapping} cannot be read ({error.strerror}): check the path.") from error
    chosen = read_mapping(text)
    rows = _rows(group, session, Period(parse_day(since), parse_day(until)), time_zone, data)
    _finish(output, mapped_file(rows, chosen), rows, force=force, as_json=as_json)


def _rows(
    group: str | None, session: str | None, period: Period, time_zone: str | None, data: Path | None
) -> list[MarkRow]:
    if (group is None) == (session is None):
        raise typer.BadParameter("give exactly one of --group and --session")
    if session is not None and period != Period():
        raise typer.BadParameter("--since and --until do not apply to a session")
    records = open_records(data, time_zone)
    if group is not None:
        return records.exports.of_group(parse_group_id(group), period)
    return records.exports.of_session(find_session(records, session or ""))


def _finish(output: Path, content: bytes, rows: list[MarkRow], *, force: bool, as_json: bool) -> None:
    write_file(output, content, force=force)
    sessions = len({row.session.id for row in rows})
    emit(
        {"output": str(output), "sessions": sessions, "marks": len(rows)},
        as_json,
        lambda console: console.print(f"Written: {output}", soft_wrap=True, highlight=False, markup=False),
    )
