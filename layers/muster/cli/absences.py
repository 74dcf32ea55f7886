"""`muster absences`: planned absences of students."""

from datetime import datetime, time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.backend import open_records
from muster.cli.output import DataOption, JsonOption, emit
from muster.domain.actor import OPERATOR
from muster.domain.attendance import MarkStatus
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import parse_student_id
from muster.domain.period import parse_day

app = typer.Typer(help="Planned absences of students.", no_args_is_help=True)

StudentArgument = Annotated[str, typer.Argument(help="The student's id.")]


@app.command("list")
def list_absences(student_id: StudentArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the planned absences of a student."""
    from muster.api.schemas.absences import AbsenceDocument

    records = open_records(data)
    found = records.absences.find(records.roster.get(parse_student_id(student_id)).id)
    users = records.people.names({absence.by for absence in found})
    documents = [AbsenceDocument.of(absence, users).model_dump(mode="json") for absence in found]

    def show(console: Console) -> None:
        if not found:
            console.print("No absence is planned. Plan one: `muster absences add ID --from DAY --until DAY`.")
            return
        table = Table("id", "from", "until", "times", "mark", "reason", "by")
        for document in documents:
            times = f"{document['starts'] or ''}-{document['ends'] or ''}"
            mark = document["code"] or document["status"]
            table.add_row(
                *(document["absence_id"], document["first_day"], document["last_day"]),
                *("" if times == "-" else times, mark, escape(document["reason"])),
                escape(document["by_name"] or document["by"]),
            )
        console.print(table)

    emit(documents, as_json, show)


@app.command()
def add(
    student_id: StudentArgument,
    first_day: Annotated[str, typer.Option("--from", help="The first day, such as 2026-09-07.")],
    last_day: Annotated[str | None, typer.Option("--until", help="The last day; default: the first.")] = None,
    starts: Annotated[str | None, typer.Option(help="Only sessions that start from this time, such as 10:30.")] = None,
    ends: Annotated[str | None, typer.Option(help="Only sessions that start before this time.")] = None,
    lesson: Annotated[list[str] | None, typer.Option(help="Only this lesson, by id; may be repeated.")] = None,
    status: Annotated[MarkStatus | None, typer.Option(help="Default: that of the code, or excused.")] = None,
    code: Annotated[str | None, typer.Option(help="A code of the school's table with this status.")] = None,
    reason: Annotated[str, typer.Option(help="Why the student is away.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan an absence. Sessions start with its mark, and open ones change where nobody marked the student."""
    from muster.api.schemas.absences import AbsenceDocument
    from muster.services.roll_call.absences import AbsencePlan

    first = parse_day(first_day)
    if first is None:
        raise InvalidRequest("Give the first day.")
    plan = AbsencePlan(
        first_day=first,
        last_day=parse_day(last_day) or first,
        starts=None if starts is None else _time(starts),
        ends=None if ends is None else _time(ends),
        lessons=tuple(lesson or ()),
        status=status,
        code=code,
        reason=reason,
    )
    absence = open_records(data).absences.add(parse_student_id(student_id), plan, OPERATOR.user_id)
    emit(
        AbsenceDocument.of(absence).model_dump(mode="json"),
        as_json,
        lambda console: console.print(f"Planned the absence {absence.id} of {absence.student_id}."),
    )


@app.command()
def remove(
    student_id: StudentArgument,
    absence_id: Annotated[str, typer.Argument(help="The id of the planned absence.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a planned absence, and its marks from open sessions."""
    identifier = parse_student_id(student_id)
    open_records(data).absences.remove(identifier, absence_id, OPERATOR.user_id)
    emit({"removed": absence_id}, as_json, lambda console: console.print(f"Removed the absence {absence_id}."))


def _time(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise InvalidRequest(f"The time {text[:20]!r} is not valid: write it like 10:30.") from None
