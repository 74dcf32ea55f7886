"""OneRoster imports on a real store."""

from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pytest

from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.errors import EmptyUpload, InvalidRequest, MusterError, UnsupportedTable
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.timetable import SchoolCalendar, Span
from muster.domain.user import Role, User
from muster.services.oneroster import package as packages
from muster.services.oneroster.execution import OneRosterImport, OneRosterReport
from muster.services.oneroster.package import read_archive, read_folder
from muster.services.oneroster.plan import LEFT_SCHOOL, Options
from muster.services.oneroster.tables import read_tables
from muster.services.roster_import.plan import RowAction
from tests.unit.oneroster_packages import ROWS, archive, package

TODAY = date(2026, 11, 27)


class School:
    """A store, and the imports into it."""

    def __init__(self, folder: Path) -> None:
        self.backend = LocalBackend(folder, LocalSettings(data=folder))
        self.records = self.backend.records

    def run(
        self, files: dict[str, bytes], *, dry_run: bool = False, today: date = TODAY, **options: object
    ) -> OneRosterReport:
        use_case = OneRosterImport(
            self.records.roster, self.records.groups, self.records.people, self.records.timetables
        )
        return use_case.run(read_tables(files), Options(today=today, **options), dry_run=dry_run)  # type: ignore[arg-type]

    def students(self) -> dict[str, tuple[str, set[str]]]:
        return {student.id: (student.name, set(student.groups)) for student in self.records.roster.find()}

    def groups(self) -> dict[str, tuple[str, set[str]]]:
        return {group.id: (group.name, set(group.teachers)) for group in self.records.groups.find()}


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def codes(report: OneRosterReport) -> set[str]:
    return {finding.code for finding in report.findings}


STUDENTS = {
    "u-ada": ("Ada Lovelace", {"c-7b", "c-ma"}),
    "u-bob": ("Bob Björk", {"c-7b"}),
    "u-cy": ("Cy Young", {"c-s1"}),
}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_package_makes_groups_students_and_teachers(school: School, version: str) -> None:
    school.backend.users.add(User(UserId("turing"), Role.TEACHER))
    planned = school.run(package(version), dry_run=True)
    assert (planned.applied, school.students()) == (False, {})
    report = school.run(package(version))
    assert report.applied, report.findings
    assert school.students() == STUDENTS
    assert school.groups() == {
        "c-7b": ("7b", {"turing"}),
        "c-ma": ("Mathematics, set 1", set()),
        "c-s1": ("South 1", set()),
    }
    assert all(student.consent is None for student in school.records.roster.find())
    assert codes(report) == {"teacher_unknown", "several_schools", "first_terms"}
    again = school.run(package(version))
    assert {row.action for row in again.students} == {RowAction.NOTHING}
    assert (again.teachers, {group.action for group in again.groups}) == ((), {RowAction.NOTHING})
    assert school.students() == STUDENTS


def test_a_school_and_its_own_ids_can_be_chosen(school: School) -> None:
    report = school.run(package(), school="N1", school_ids=True)
    assert report.applied, report.findings
    assert school.students() == {"0042": ("Ada Lovelace", {"7B", "MA1"}), "0043": ("Bob Björk", {"7B"})}
    with pytest.raises(InvalidRequest, match="North School"):
        school.run(package(), school="West School")


def test_a_bulk_package_moves_students_and_erases_nobody(school: School) -> None:
    school.run(package())
    school.records.roster.enrol(StudentId("guest"), "Guest", [GroupId("c-7b"), GroupId("chess")])
    rows = {
        "users": [row for row in ROWS["users"] if not row.startswith("u-bob")],
        "enrollments": ["e1,,,c-ma,north,u-ada,student,,,", "e5,,,c-s1,south,u-cy,student,,,"],
    }
    report = school.run(package(rows=rows))
    assert report.applied, report.findings
    assert "left_school" in codes(report)
    assert school.students() == {
        "guest": ("Guest", {"chess"}),
        "u-ada": ("Ada Lovelace", {"c-ma"}),
        "u-bob": ("Bob Björk", {LEFT_SCHOOL}),
        "u-cy": ("Cy Young", {"c-s1"}),
    }
    assert {row.action for row in school.run(package(rows=rows)).students} == {RowAction.NOTHING}
    assert school.run(package()).applied
    assert school.students()["u-bob"] == ("Bob Björk", {"c-7b"})


def test_a_class_that_a_complete_package_lacks_has_ended(school: School) -> None:
    school.run(package())
    school.records.roster.enrol(StudentId("guest"), "Guest", [GroupId("chess")])
    without = [row for row in ROWS["classes"] if not row.startswith("c-7b")]
    enrolled = [row for row in ROWS["enrollments"] if ",c-7b," not in row]
    rows = {"classes": without, "enrollments": enrolled}
    planned = school.run(package(rows=rows), dry_run=True)
    assert [f.detail for f in planned.findings if f.code == "class_ended"] == [
        "The class 7b ended: its students leave it, its sessions stay."
    ]
    # One school of the district says nothing about the classes of another, nor about groups made by hand.
    south = {
        "orgs": [row for row in ROWS["orgs"] if row.startswith("south")],
        "classes": [row for row in ROWS["classes"] if row.startswith("c-s1")],
        "enrollments": [row for row in ROWS["enrollments"] if ",c-s1," in row],
    }
    assert "class_ended" not in codes(school.run(package(rows=south)))
    assert school.students()["u-bob"] == ("Bob Björk", {"c-7b"})

    assert school.run(package(rows=rows)).applied
    assert school.students() == {
        "guest": ("Guest", {"chess"}),
        "u-ada": ("Ada Lovelace", {"c-ma"}),
        "u-bob": ("Bob Björk", {LEFT_SCHOOL}),
        "u-cy": ("Cy Young", {"c-s1"}),
    }
    assert "class_ended" not in codes(school.run(package(rows=rows)))
    # The group is the school's own afterwards.
    school.records.roster.enrol(StudentId("dan"), "Dan", [GroupId("c-7b")])
    school.run(package(rows=rows))
    assert school.students()["dan"] == ("Dan", {"c-7b"})


def test_an_enrolment_ends_before_its_end_date(school: School) -> None:
    for day, groups in ((date(2026, 9, 29), {"c-7b", "c-ma"}), (date(2026, 9, 30), {"c-7b"})):
        school.run(package(), today=day)
        assert school.students()["u-bob"][1] == groups


def test_the_students_of_a_deleted_class_leave_it_though_a_delta_names_none_of_them(school: School) -> None:
    school.run(package())
    rows = {"classes": [f"c-s1,tobedeleted,{STAMP},South 1,07,,S1,homeroom,,south,year26,,,"]}
    report = school.run(package(modes={**DELTA, "users": "absent", "enrollments": "absent"}, rows=rows))
    assert report.applied, report.findings
    assert school.students()["u-cy"] == ("Cy Young", {LEFT_SCHOOL})


DELTA = dict.fromkeys(("users", "enrollments", "classes"), "delta") | {
    "academicSessions": "absent",
    "courses": "absent",
}
STAMP = "2026-11-20T10:00:00.000Z"


def test_a_delta_changes_what_it_lists_only(school: School) -> None:
    school.backend.users.add(User(UserId("turing"), Role.TEACHER))
    school.run(package())
    rows = {
        "classes": [f"c-s1,tobedeleted,{STAMP},South 1,07,,S1,homeroom,,south,year26,,,"],
        "users": [
            f"u-ada,active,{STAMP},true,north,student,ada.l,,Ada,King,,0042,,,,,,",
            f"u-bob,tobedeleted,{STAMP},true,north,student,bob,,Bob,Björk,,0043,,,,,,",
        ],
        "enrollments": [
            f"e2,tobedeleted,{STAMP},c-ma,north,u-ada,student,,,",
            f"e9,active,{STAMP},c-7b,north,u-cy,student,,,",
            f"e6,tobedeleted,{STAMP},c-7b,north,u-tea,teacher,,,",
        ],
    }
    files = package(modes=DELTA, rows=rows)
    report = school.run(files)
    assert report.applied, report.findings
    assert {"left_school", "renamed", "class_ended"} <= codes(report)
    assert school.students() == {
        "u-ada": ("Ada King", {"c-7b"}),
        "u-bob": ("Bob Björk", {LEFT_SCHOOL}),
        "u-cy": ("Cy Young", {"c-7b"}),
    }
    # The teacher's row is not in this delta, so nothing says which user it is.
    assert school.groups()["c-7b"] == ("7b", {"turing"})
    rows["users"].append(ROWS["users"][3].replace(",,,true", f",active,{STAMP},true", 1))
    school.run(package(modes=DELTA, rows=rows))
    assert school.groups()["c-7b"] == ("7b", set())
    assert {row.action for row in school.run(files).students} == {RowAction.NOTHING}


@pytest.mark.parametrize(
    ("file", "row", "code"),
    [
        ("users", "u-ada,,,true,north,student,x,,A,B,,1,,,,,,", "repeated_id"),
        ("users", "u/bob,,,true,north,student,x,,A,B,,1,,,,,,", ""),
        ("users", "u-dan,,,true,north,student,x,,,,,1,,,,,,", "name_invalid"),
        ("classes", "c 7b,,,Other,07,,,homeroom,,north,,,,", "id_collision"),
        ("classes", "c-9,gone,,9,07,,,homeroom,,north,,,,", "status_unknown"),
        ("enrollments", "e9,,,c-none,north,u-ada,student,,,", "class_unknown"),
        ("enrollments", "e9,,,c-7b,north,u-none,student,,,", "user_unknown"),
        ("enrollments", "e9,,,c-7b,north,u-ada,student,,27.11.2026,", "day_invalid"),
        ("enrollments", ",,,c-7b,north,u-ada,student,,,", "id_missing"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_written(school: School, file: str, row: str, code: str) -> None:
    extra = {"users": "e8x,,,c-7b,north,u-dan,student,,,"}.get(file)
    rows = {file: [*ROWS[file], row]}
    if code == "name_invalid" and extra:
        rows["enrollments"] = [*ROWS["enrollments"], extra]
    report = school.run(package(rows=rows))
    if not code:
        # Nobody enrols this user, so the row is not read.
        assert report.applied
        return
    (finding,) = (finding for finding in report.findings if finding.error)
    assert (finding.code, finding.file, finding.row) == (code, f"{file}.csv", len(rows[file]) + 1)
    assert (report.applied, school.students()) == (False, {})


def test_a_package_that_was_cut_off_empties_no_class(school: School) -> None:
    many = [f"u{number},,,true,north,student,x,,S,{number},,{number},,,,,," for number in range(30)]
    enrolled = [f"x{number},,,c-7b,north,u{number},student,,," for number in range(30)]
    rows = {"users": many, "enrollments": enrolled}
    school.run(package(rows=rows))
    cut_off = package(rows={"users": many, "enrollments": enrolled[:10]})
    refused = school.run(cut_off)
    assert (refused.applied, codes(refused) & {"many_leave"}) == (False, {"many_leave"})
    assert school.run(cut_off, allow_removals=True).applied
    assert len(school.records.roster.find(GroupId("c-7b"))) == 10


def terms(school: School) -> list[tuple[str, str, str]]:
    calendar, _ = school.records.timetables.calendar()
    return [(term.name, term.first_day.isoformat(), term.last_day.isoformat()) for term in calendar.terms]


SPRING = "spring,,,Spring,term,2027-01-11,2027-03-27,year26,2027"


def test_academic_sessions_become_terms_beside_those_entered_by_hand(school: School) -> None:
    timetables = school.records.timetables
    by_hand = Span("Summer by hand", date(2027, 4, 12), date(2027, 7, 15))
    holiday = Span("Autumn break", date(2026, 10, 19), date(2026, 10, 30))
    autumn, summer = ROWS["academicSessions"][1], "summer,,,Summer,term,2027-04-05,2027-07-17,year26,2027"
    rows = {"academicSessions": [*ROWS["academicSessions"], SPRING]}
    planned = school.run(package(rows=rows), dry_run=True)
    assert [(each.term.name, each.action) for each in planned.terms] == [
        ("Autumn", RowAction.ADD),
        ("Spring", RowAction.ADD),
    ]
    assert "first_terms" in codes(planned)
    assert terms(school) == []
    timetables.change_calendar(SchoolCalendar((by_hand,), (holiday,)), 0)
    report = school.run(package(rows={"academicSessions": [*rows["academicSessions"], summer]}))
    assert report.applied, report.findings
    assert codes(report) >= {"term_left_out"}
    # The end date of the standard is the first day after the term.
    autumn_term = ("Autumn", "2026-08-31", "2026-12-17")
    entered = ("Summer by hand", "2027-04-12", "2027-07-15")
    assert terms(school) == [autumn_term, ("Spring", "2027-01-11", "2027-03-26"), entered]
    assert timetables.calendar()[0].holidays == (holiday,)

    # An admin who changes a holiday does not turn imported terms into terms entered by hand.
    calendar, version = timetables.calendar()
    bare = tuple(Span(term.name, term.first_day, term.last_day) for term in calendar.terms)
    timetables.change_calendar(SchoolCalendar(bare, ()), version)
    assert {each.action for each in school.run(package(rows=rows)).terms} == {RowAction.NOTHING}
    longer = {
        "academicSessions": [autumn.replace("12-18", "12-24"), SPRING.replace(",,,", f",tobedeleted,{STAMP},", 1)]
    }
    changed = school.run(package(rows=longer))
    assert [(each.term.name, each.remove) for each in changed.terms] == [("Spring", True), ("Autumn", False)]
    assert terms(school) == [("Autumn", "2026-08-31", "2026-12-23"), entered]


@pytest.mark.parametrize(
    "row",
    [
        "t,,,Autumn,term,2026-12-18,2026-08-31,,2027",
        "t,,,Autumn,term,31.08.2026,2026-12-18,,2027",
        "t,,,,term,2026-08-31,2026-12-18,,2027",
    ],
    ids=["backwards", "format", "no-title"],
)
def test_a_wrong_term_is_left_out_and_keeps_no_student_out(school: School, row: str) -> None:
    report = school.run(package(rows={"academicSessions": [row]}))
    assert (report.applied, report.terms, "term_left_out" in codes(report)) == (True, (), True)
    assert school.students() == STUDENTS


def test_a_folder_and_an_archive_are_read_alike(tmp_path: Path) -> None:
    files = package()
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_bytes(content)
    (tmp_path / "results.csv").write_bytes(b"not read")
    assert read_folder(tmp_path) == read_archive(archive(files)) == read_archive(archive(files, "export/")) == files


def bomb() -> bytes:
    return archive(package() | {"users": b"sourcedId\n" + b"0" * (packages.MAX_FILE_BYTES // 2)})


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyUpload),
        (b"sourcedId,name\n", UnsupportedTable),
        (archive(package())[:-40], UnsupportedTable),
        (archive({"users": b"sourcedId\n"}), UnsupportedTable),
        (archive({f"f{number}": b"" for number in range(300)}), UnsupportedTable),
        (archive({"a/manifest": b"", "b/users": b""}), UnsupportedTable),
        (archive({"a/users": b"", "b/users": b""}), UnsupportedTable),
        (b"PK\x05\x06" + bytes(18), UnsupportedTable),
    ],
    ids=["empty", "text", "cut", "no-manifest", "many", "folders", "twice", "no-entries"],
)
def test_a_hostile_archive_is_refused(content: bytes, error: type[MusterError]) -> None:
    with pytest.raises(error):
        read_tables(read_archive(content))


@pytest.mark.parametrize("method", [ZIP_LZMA, ZIP_BZIP2])
def test_an_archive_that_is_packed_in_an_unusual_way_is_refused(method: int) -> None:
    content = BytesIO()
    with ZipFile(content, "w", method) as written:
        for name, table in package().items():
            written.writestr(f"{name}.csv", table)
    with pytest.raises(UnsupportedTable, match="unusual"):
        read_archive(content.getvalue())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(UnsupportedTable, match="larger"):
        read_archive(bomb())


@pytest.mark.parametrize(
    "files",
    [
        package() | {"manifest": b"propertyName,value\noneroster.version,2.0\n"},
        package() | {"manifest": b"propertyName,value\noneroster.version,1.1\nfile.users,half\n"},
        package() | {"users": b'sourcedId,givenName,familyName\n"u'},
        package() | {"users": b"sourcedId,givenName,familyName\nu," + b"a" * 200_000 + b",b\n"},
    ],
    ids=["version", "mode", "quote", "cell"],
)
def test_a_package_that_cannot_be_read_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(UnsupportedTable):
        read_tables(files)


def test_missing_files_and_columns_are_findings(school: School) -> None:
    files = package() | {"classes": b"sourcedId,name\nc,7b\n"}
    del files["users"]
    found = {(finding.file, finding.code) for finding in school.run(files).findings}
    assert {("users.csv", "file_missing"), ("classes.csv", "column_missing")} <= found
