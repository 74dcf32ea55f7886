"""Output of one session."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from muster.cli.marks import details_text, faces_text, marked_by, status_text
from muster.cli.output import emit
from muster.domain.attendance import MarkStatus
from muster.domain.identifiers import SessionId, UserId
from muster.services.roll_call.sessions import Sessions


def local_user() -> UserId:
    """Return the user who is recorded for changes by commands."""
    from muster.api.sign_in import LOCAL_USER

    return LOCAL_USER


def emit_session(sessions: Sessions, session_id: SessionId, as_json: bool) -> None:
    """Print a session with its marks."""
    from muster.api.schemas.sessions import SessionDocument

    detail = sessions.get(session_id)
    document: dict[str, Any] = SessionDocument.of_detail(detail).model_dump(mode="json")

    def show(console: Console) -> None:
        table = Table(
            "student", "name", "status", "by", "details", title=f"Session {session_id} of {detail.session.group_id}"
        )
        for mark in detail.marks:
            name, by = escape(detail.names.get(mark.student_id, "")), marked_by(mark, detail.by_people)
            table.add_row(mark.student_id, name, status_text(mark.status), by, escape(details_text(mark)))
        if detail.marks:
            console.print(table)
        if detail.session.closed is not None:
            console.print(f"The register is closed: `muster sessions reopen {session_id} --reason ...` opens it again.")
        if not detail.taken:
            console.print(f"The session {session_id} is not taken yet: nobody was present, so nobody counts as absent.")
        if questions := sum(mark.status is MarkStatus.REVIEW for mark in detail.marks):
            counted = "1 open question" if questions == 1 else f"{questions} open questions"
            console.print(f"{counted}: `muster sessions questions {session_id}`.", soft_wrap=True, highlight=False)
        for photo in detail.photos:
            console.print(f"photo {photo.id}: {faces_text(len(photo.faces))}", soft_wrap=True, highlight=False)

    emit(document, as_json, show)
