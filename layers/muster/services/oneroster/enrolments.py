"""The enrolments of a package: the classes that students and teachers are in on one day."""

from dataclasses import dataclass, field
from datetime import date

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import GroupId
from muster.domain.period import parse_day
from muster.services.oneroster.identities import Identities
from muster.services.oneroster.tables import Row, Tables
from muster.services.roster_import.findings import Finding, Severity, shorten


@dataclass(slots=True)
class Memberships:
    """The groups of one user.

    Attributes:
        row: the first in enrollments.csv.
        current: groups that the user is in today.
        ended: groups that the user is no longer in.
    """

    row: int
    current: set[GroupId] = field(default_factory=set)
    ended: set[GroupId] = field(default_factory=set)


@dataclass(slots=True)
class Enrolments:
    """The groups of all users, by their `sourcedId`."""

    students: dict[str, Memberships] = field(default_factory=dict)
    teachers: dict[str, Memberships] = field(default_factory=dict)


def read_enrolments(
    tables: Tables, identities: Identities, stored: frozenset[GroupId], today: date, findings: list[Finding]
) -> Enrolments:
    """Read the enrolments of students and teachers that hold today.

    Args:
        stored: the groups that exist already, which a delta may name without describing them.
        findings: gets what is wrong with the rows.
    """
    enrolments = Enrolments()
    for row in tables.of("enrollments"):
        people = {"student": enrolments.students, "teacher": enrolments.teachers}.get(row["role"].lower())
        if people is None:
            continue
        group = _group(row, identities, stored, findings)
        if group is None:
            continue
        group_id, class_deleted = group
        current = _is_current(row, today, findings)
        if current is None:
            continue
        memberships = people.setdefault(row["userSourcedId"], Memberships(row.number))
        (memberships.current if current and not class_deleted else memberships.ended).add(group_id)
    return enrolments


def _group(
    row: Row, identities: Identities, stored: frozenset[GroupId], findings: list[Finding]
) -> tuple[GroupId, bool] | None:
    """Return the group of an enrolment and whether its class is deleted; None if it is not to be read."""
    source_id = row["classSourcedId"]
    if known := identities.classes.get(source_id):
        return known.group_id, known.deleted
    if source_id in identities.class_rows:
        # It belongs to another school, or its own row has a finding.
        return None
    if not identities.is_of_school(row["schoolSourcedId"]):
        return None
    group_id = identities.unlisted_group(source_id) if source_id else None
    if group_id in stored:
        return group_id, False
    if not row.deleted:
        detail = "No row of classes.csv and no group here has this class: export classes.csv with it."
        findings.append(_error(row, "class_unknown", detail, "classSourcedId"))
    return None


def _is_current(row: Row, today: date, findings: list[Finding]) -> bool | None:
    """Return whether an enrolment holds today; None if its days cannot be read."""
    if row.deleted:
        return False
    try:
        begins, ends = (read_day(row[column]) for column in ("beginDate", "endDate"))
    except InvalidRequest as error:
        findings.append(_error(row, "day_invalid", str(error), "beginDate"))
        return None
    # The standard includes the begin date and excludes the end date.
    return (begins is None or begins <= today) and (ends is None or today < ends)


def read_day(text: str) -> date | None:
    """Read a day, also one that is written with a time; an empty text is None.

    Raises:
        InvalidRequest: the text is no day.
    """
    return parse_day(text.partition("T")[0]) if text else None


def _error(row: Row, code: str, detail: str, column: str) -> Finding:
    value = shorten(row[column]) or None
    return Finding(row.number, code, detail, Severity.ERROR, column, value, "enrollments.csv")
