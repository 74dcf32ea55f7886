"""`muster sessions`: list, show, open, correct and remove sessions."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from muster.cli.backend import named_stage, open_records, store_name
from muster.cli.confirmation import confirm as confirm_removal
from muster.cli.naming import GroupOption, SessionArgument, find_face, find_photo, find_session
from muster.cli.output import DataOption, JsonOption, emit
from muster.cli.questions import confirm, questions
from muster.cli.session_output import emit_session, local_user
from muster.composition.local import LocalBackend
from muster.domain.attendance import STATUSES_BY_HAND, MarkStatus
from muster.domain.codes import MAX_CODE
from muster.domain.errors import InvalidRequest, LocalStoreOnly
from muster.domain.identifiers import (
    StudentId,
    parse_group_id,
    parse_session_id,
    parse_student_id,
)
from muster.domain.period import Period, parse_day
from muster.reports.wording import WORDS
from muster.services.codes.tables import WantedMark

app = typer.Typer(help="List, show, open, correct and remove sessions.", no_args_is_help=True)


@app.command("list")
def list_sessions(
    group: Annotated[str | None, typer.Option(help="Only sessions of this group.")] = None,
    since: Annotated[str | None, typer.Option(help="First day, such as 2026-09-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, such as 2026-12-18.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the sessions, oldest first."""
    from muster.api.schemas.sessions import SessionSummary

    records = open_records(data)
    sessions, zone = records.sessions, records.zone
    period = Period(parse_day(since), parse_day(until))
    known = records.groups.find() if group is None else [records.groups.get(parse_group_id(group))]
    listed = sessions.find([group.id for group in known], *period.moments(zone))
    found = [SessionSummary.of(overview) for overview in sessions.with_marks(listed)]

    def show(console: Console) -> None:
        table = Table("id", "group", "started", *WORDS.values(), "taken")
        for session in found:
            taken = "yes" if session.taken else "not taken"
            numbers = [getattr(session.counts, status.value) for status in WORDS]
            counts = [str(number) if session.taken or number else "–" for number in numbers]
            started = session.started_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
            table.add_row(session.session_id, session.group_id, started, *counts, taken)
        console.print(table if found else "There are no sessions. `muster detect PHOTO --group G` opens one.")

    emit([session.model_dump(mode="json") for session in found], as_json, show)


@app.command()
def show(
    session: SessionArgument, group: GroupOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Show a session with its marks."""
    records = open_records(data)
    emit_session(records.sessions, find_session(records, session, group), as_json)


@app.command("open")
def open_session(
    group: Annotated[str, typer.Option(help="The group of the session.")],
    session: Annotated[str | None, typer.Option("--id", help="The session's id; default: a new, random id.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Start, such as 2026-09-01T08:15, in the school's time zone; default: now.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a session before its photos. Nobody is absent until somebody is present."""
    records = open_records(data)
    started_at = None
    if at is not None:
        try:
            started_at = datetime.fromisoformat(at)
        except ValueError as error:
            raise InvalidRequest(f"{at[:40]!r} is not a time: write it like 2026-09-01T08:15.") from error
        started_at = started_at if started_at.tzinfo else started_at.replace(tzinfo=records.zone)
    session_id = None if session is None else parse_session_id(session)
    detail = records.sessions.open(parse_group_id(group), session_id, started_at)
    emit_session(records.sessions, detail.session.id, as_json)


@app.command()
def mark(
    session: SessionArgument,
    marks: Annotated[
        list[str],
        typer.Argument(help="STUDENT=STATUS, where STATUS is present, absent, late, excused, or a code of the school."),
    ],
    group: GroupOption = None,
    minutes: Annotated[int | None, typer.Option(help="Minutes late, with late and absent only.")] = None,
    remark: Annotated[str | None, typer.Option(help="Remark on these marks; default: the stored one stays.")] = None,
    reason: Annotated[str, typer.Option(help="Why the marks change, kept with the changes.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set marks by hand, all or none. Photos no longer change them."""
    wanted: dict[StudentId, WantedMark] = {}
    for text in marks:
        student, _, said = text.partition("=")
        if not said or (said not in STATUSES_BY_HAND and len(said) > MAX_CODE):
            raise InvalidRequest(
                f"{text[:80]!r} is not a mark: write STUDENT=STATUS, where STATUS is present, absent, late, excused, "
                "or a code of the school."
            )
        status = MarkStatus(said) if said in STATUSES_BY_HAND else None
        code = said if status is None else None
        wanted[parse_student_id(student)] = WantedMark(status=status, code=code, minutes_late=minutes, remark=remark)
    records = open_records(data)
    identifier = find_session(records, session, group)
    by_hand = records.codes.marks(wanted, records.sessions.get(identifier).session.begins_at)
    records.corrections.mark(identifier, by_hand, local_user(), reason=reason)
    emit_session(records.sessions, identifier, as_json)


@app.command("close")
def close_register(
    session: SessionArgument,
    unanswered: Annotated[
        str | None, typer.Option(help="Mark students with an open question as this status, such as absent.")
    ] = None,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a register, so that no mark, photo or face changes any more."""
    if unanswered is not None and unanswered not in STATUSES_BY_HAND:
        raise InvalidRequest(f"{unanswered[:40]!r} is not a status: use present, absent, late or excused.")
    status = None if unanswered is None else MarkStatus(unanswered)
    records = open_records(data)
    identifier = find_session(records, session, group)
    records.registers.close(identifier, local_user(), unanswered=status)
    emit_session(records.sessions, identifier, as_json)


@app.command("reopen")
def reopen_register(
    session: SessionArgument,
    reason: Annotated[str, typer.Option(help="Why it is reopened, kept with the changes. Name no students.")],
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reopen a closed register."""
    records = open_records(data)
    identifier = find_session(records, session, group)
    records.registers.reopen(identifier, local_user(), reason)
    emit_session(records.sessions, identifier, as_json)


@app.command()
def name(
    session: SessionArgument,
    face: Annotated[str, typer.Argument(help="The face's id or the beginning of it.")],
    student: Annotated[str | None, typer.Argument(help="The student it shows; default: nobody in this group.")] = None,
    learn: Annotated[bool, typer.Option("--learn", help="Also learn the student's face from it.")] = False,
    group: GroupOption = None,
    learn_anyway: Annotated[
        bool, typer.Option("--learn-anyway", help="Learn even if the face resembles another student more.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm or correct which student a face shows, and update the marks."""
    stage = named_stage()
    if learn and stage is not None:
        raise LocalStoreOnly(f"--learn needs a model pack: name the face in the web client of the stage {stage}.")
    local = LocalBackend(data) if learn else None
    records = open_records(data) if local is None else local.on_demand
    identifier = find_session(records, session, group)
    student_id = None if student is None else parse_student_id(student)
    if local is None:
        face_id = find_face(records.sessions, face, identifier)
        records.corrections.name(identifier, face_id, student_id, local_user())
    elif student_id is None:
        raise InvalidRequest("Give the student whose face to learn, or leave out --learn.")
    else:
        learning = local.services.learning
        face_id = find_face(records.sessions, face, identifier)
        learning.name(identifier, face_id, student_id, local_user(), anyway=learn_anyway)
    emit_session(records.sessions, identifier, as_json)


app.command()(questions)
app.command()(confirm)


@app.command("remove-photo")
def remove_photo(
    session: SessionArgument,
    photo: Annotated[
        str, typer.Argument(help="The photo's id or the beginning of it; `muster sessions show` lists photos.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a photo from a session and update the marks from the other photos. This cannot be undone."""
    records = open_records(data)
    identifier = find_session(records, session, group)
    photo_id = find_photo(records.sessions, photo, identifier)
    confirm_removal(f"Remove the photo {photo_id} from the session {identifier} of {store_name(data)} for good?", yes)
    records.corrections.remove_photo(identifier, photo_id, local_user())
    emit_session(records.sessions, identifier, as_json)


@app.command()
def remove(
    session: SessionArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    group: GroupOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a session with its photos, marks and changes. This cannot be undone.

    A closed register has to be reopened first.
    """
    records = open_records(data)
    identifier = find_session(records, session, group)
    detail = records.sessions.get(identifier)
    place = store_name(data)
    confirm_removal(f"Remove the session {identifier} of {detail.session.group_id} from {place} for good?", yes)
    records.corrections.remove(identifier, by=local_user())
    emit({"removed": identifier}, as_json, lambda console: console.print(f"Removed the session {identifier}."))
