"""Students, classes and users of a package, with the ids that they have here."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import GroupId, StudentId, parse_group_id, parse_student_id
from muster.services.oneroster.tables import Row, Tables
from muster.services.roster.names import checked_name
from muster.services.roster_import.derived_ids import derived_id
from muster.services.roster_import.findings import Finding, Severity, shorten


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """A class of the package.

    Attributes:
        row: in classes.csv.
        name: of the group; empty for a class that is deleted.
    """

    row: int
    group_id: GroupId
    name: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Pupil:
    """A user of the package who can be enrolled as a student.

    Attributes:
        row: in users.csv.
        name: empty for a user who is deleted.
    """

    row: int
    student_id: StudentId
    name: str
    deleted: bool


class Identities:
    """Reads classes and users, and gives them ids.

    Args:
        school: `sourcedId`, `identifier` or name of one organisation, whose classes alone are read; None reads all.
        school_ids: students are known by `identifier` and classes by `classCode`, instead of by `sourcedId`.

    Attributes:
        findings: what is wrong with the rows.

    Raises:
        InvalidRequest: no organisation, or several, match `school`.
    """

    def __init__(self, tables: Tables, *, school: str | None, school_ids: bool) -> None:
        self._tables = tables
        self._school_ids = school_ids
        self.findings: list[Finding] = []
        self.school = None if school is None else _school(tables, school)
        self.users = {row.id: row for row in tables.of("users")}
        self.class_rows = {row.id: row for row in tables.of("classes")}

    @cached_property
    def classes(self) -> dict[str, SchoolClass]:
        """The classes of the school, by `sourcedId`."""
        found: dict[str, SchoolClass] = {}
        names = _names([row for row in self.class_rows.values() if not row.deleted])
        taken: dict[str, Row] = {}
        for row in self.class_rows.values():
            if not self.is_of_school(row["schoolSourcedId"]):
                continue
            text = self._id_text("classes", row, "classCode", required=not row.deleted)
            if text is None:
                continue
            group_id = parse_group_id(derived_id(text))
            if self._collides("classes", row, group_id, taken):
                continue
            try:
                name = "" if row.deleted else checked_name(names[row.id], "class")
            except InvalidRequest as error:
                self._error("classes", row, "name_invalid", str(error), "title")
                continue
            found[row.id] = SchoolClass(row.number, group_id, name, row.deleted)
        return found

    def pupils(self, enrolled: Collection[str], known: Collection[StudentId]) -> dict[str, Pupil]:
        """Return the users who are students, by `sourcedId`.

        Args:
            enrolled: the `sourcedId` of users with an enrolment as a student.
            known: the students who are here already. A delta may change one without saying that they are a student.
        """
        found: dict[str, Pupil] = {}
        taken: dict[str, Row] = {}
        for row in self.users.values():
            must_have_id = row.id in enrolled and not row.deleted
            text = self._id_text("users", row, "identifier", required=must_have_id)
            if text is None:
                continue
            student_id = parse_student_id(derived_id(text))
            if row.id not in enrolled and student_id not in known:
                continue
            if self._collides("users", row, student_id, taken):
                continue
            try:
                name = "" if row.deleted else checked_name(name_of(row))
            except InvalidRequest as error:
                self._error("users", row, "name_invalid", str(error), "familyName")
                continue
            found[row.id] = Pupil(row.number, student_id, name, row.deleted)
        return found

    def unlisted_group(self, source_id: str) -> GroupId | None:
        """Return the group of a class that the package does not describe; None if its id is unknown."""
        return None if self._school_ids or source_id in self.class_rows else parse_group_id(derived_id(source_id))

    def unlisted_student(self, source_id: str) -> StudentId | None:
        """Return the student of a user that the package does not describe; None if their id is unknown."""
        return None if self._school_ids or source_id in self.users else parse_student_id(derived_id(source_id))

    def is_of_school(self, source_id: str) -> bool:
        """Return whether an organisation is the one that is read."""
        return self.school is None or source_id == self.school

    def _id_text(self, file: str, row: Row, column: str, *, required: bool) -> str | None:
        text = row[column] if self._school_ids else row.id
        if not text and required:
            detail = f"The {column} is missing, by which the import was asked to know each row (--school-ids)."
            self._error(file, row, "id_missing", detail, column)
        return text or None

    def _collides(self, file: str, row: Row, identifier: str, taken: dict[str, Row]) -> bool:
        other = taken.setdefault(identifier, row)
        if other is row:
            return False
        detail = f"The rows {other.number} and {row.number} would both have the id {identifier}: one of them is wrong."
        self._error(file, row, "id_collision", detail, "sourcedId")
        return True

    def _error(self, file: str, row: Row, code: str, detail: str, column: str) -> None:
        value = shorten(row[column]) or None
        self.findings.append(Finding(row.number, code, detail, Severity.ERROR, column, value, f"{file}.csv"))


def name_of(row: Row) -> str:
    """Return the name of a user: the one that they prefer, where the package has it."""
    given = row["preferredGivenName"] or row["givenName"]
    family = row["preferredFamilyName"] or row["familyName"]
    return f"{given} {family}"


def _names(rows: list[Row]) -> Mapping[str, str]:
    """Return the names of classes by `sourcedId`; titles that several have get the code of the class."""
    count: dict[str, int] = {}
    for row in rows:
        count[row["title"]] = count.get(row["title"], 0) + 1

    def name(row: Row) -> str:
        title = row["title"]
        return title if count[title] == 1 else f"{title} ({row['classCode'] or row.id})"

    return {row.id: name(row) for row in rows}


def _school(tables: Tables, text: str) -> str:
    def matching(fits: Callable[[Row], bool]) -> Iterator[str]:
        return (row.id for row in tables.of("orgs") if not row.deleted and fits(row))

    for column in ("sourcedId", "identifier", "name"):
        found = list(matching(lambda row, column=column: row[column] == text))  # type: ignore[misc]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidRequest(f"Several organisations are called {shorten(text)!r}: name one by its sourcedId.")
    known = ", ".join(shorten(row["name"] or row.id) for row in tables.of("orgs")[:20])
    raise InvalidRequest(f"The package has no organisation {shorten(text)!r}. It has: {known or 'none'}.")
