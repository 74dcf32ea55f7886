"""Files for the import forms of Moodle's attendance plugin, `mod_attendance`.

Its form for sessions chooses columns by their position, in the order of `classes/import/sessions.php`
(`list_required_headers`, of an import within a course). Its form for marks reads one session from one file: it chooses
the columns `idnumber`, `username` or `email`, and `status`, by their titles (`classes/form/import/
marksessions_confirm.php`), and reports a student who appears twice, and a status that is no acronym of the activity.
Both were read at commit 6ff291a.
"""

import csv
import zipfile
from collections.abc import Iterable, Sequence
from enum import StrEnum
from io import BytesIO, StringIO
from itertools import groupby
from typing import Final

from muster.domain.attendance import MarkStatus
from muster.reports.mark_rows import MarkRow

ACRONYMS: Final = {
    MarkStatus.PRESENT: "P",
    MarkStatus.LATE: "L",
    MarkStatus.ABSENT: "A",
    MarkStatus.EXCUSED: "E",
}
"""The statuses that a new activity has."""

_COLUMNS: Final = (
    *("Groups", "Date", "from:", "to:", "Description", "Repeat on", "Repeat every", "Repeat until"),
    *("Allow students to record own attendance", "Allow students to update own attendance status"),
    *("Student password", "Random password", "Require network address", "Automatic marking"),
    *("Automatically select highest status available", "Absentee report", "Prevent students sharing IP address"),
    *("Time to prevent students sharing IP address", "Create calendar event for session", "Include QR code"),
    *("Rotate QR code", "Early open time"),
)
# The importer replaces -1 by the default of the site. Repeats, passwords and addresses stay empty.
_SITE_DEFAULT = "-1"
_REST = ("", "", "", _SITE_DEFAULT, _SITE_DEFAULT, "", _SITE_DEFAULT, "", *[_SITE_DEFAULT] * 9)


class UserField(StrEnum):
    """The field of a Moodle user that holds the student's id."""

    IDNUMBER = "idnumber"
    USERNAME = "username"
    EMAIL = "email"


def moodle_sessions(rows: Iterable[MarkRow]) -> bytes:
    """Return the sessions for "Import sessions" within a course, for all students of the course."""
    lines = []
    for _, of_session in groupby(rows, key=lambda row: row.session.id):
        row = next(of_session)
        lesson = row.session.lesson
        description = ", ".join(part for part in (row.group, lesson.subject if lesson else "") if part)
        lines.append(
            ("", f"{row.starts_at:%Y-%m-%d}", f"{row.starts_at:%H:%M}", f"{row.ends_at:%H:%M}", description, *_REST)
        )
    return _csv(_COLUMNS, lines)


def moodle_marks(rows: Iterable[MarkRow], field: UserField = UserField.IDNUMBER, *, codes: bool = False) -> bytes:
    """Return the marks of one session for "Upload attendance"; students with an open question are left out.

    Args:
        codes: write the school's codes instead of `ACRONYMS`, for an activity whose statuses have the same acronyms.
    """
    known = (row for row in rows if row.mark.status is not MarkStatus.REVIEW)
    lines = [(row.student_id, row.code if codes else ACRONYMS[row.mark.status]) for row in known]
    return _csv((field.value, "status"), lines)


def moodle_archive(rows: Sequence[MarkRow], field: UserField = UserField.IDNUMBER, *, codes: bool = False) -> bytes:
    """Return a ZIP archive with `sessions.csv`, and with one file of marks per session, named by its start."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sessions.csv", moodle_sessions(rows))
        for session_id, of_session in groupby(rows, key=lambda row: row.session.id):
            marks = list(of_session)
            name = f"marks/{marks[0].starts_at:%Y-%m-%d-%H%M}-{session_id}.csv"
            archive.writestr(name, moodle_marks(marks, field, codes=codes))
    return content.getvalue()


def _csv(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    # Moodle compares titles and ids letter by letter: no byte order mark, and no marks for spreadsheets.
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(titles)
    writer.writerows(lines)
    return text.getvalue().encode("utf-8")
