"""Rosters as the programs of schools write them: the right value, or a message that names row, column and cell."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from muster.domain.errors import MusterError
from muster.domain.identifiers import GroupId
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.services.roster_import.execution import ImportReport, RosterImport, RowAction
from muster.services.roster_import.table import read_roster
from muster.storage.local import open_local

FOLDER = Path(__file__).parent / "rosters"

ANNA = ("0042", "Anna Berg", ("7b",))
BO = ("0043", "Bo Carl", ("7b",))


@dataclass(frozen=True)
class Expected:
    """What a file must give.

    Attributes:
        students: id, name and groups of each, in order.
        errors: code, row, column and cell of each, in order; a file with one gives no students to the roster.
        group: one that everyone joins.
        encoding: in which a text must have been read.
        names: of groups that are called otherwise than their ids.
        notes: codes of the other findings.
    """

    students: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    errors: tuple[tuple[str, int, str | None, str | None], ...] = ()
    group: str | None = None
    encoding: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def one(student_id: str, name: str, *groups: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return ((student_id, name, groups or ("7b",)),)


EXPECTED: dict[str, Expected | str] = {
    "r01-moodle-participants.csv": Expected((ANNA, BO), notes=("column_chosen",)),
    "r01b-moodle-uploadusers.csv": Expected((ANNA,), notes=("column_chosen", "column_chosen")),
    "r02-google-classroom.csv": Expected(
        errors=(("invalid_request", 2, "Email Address", "anna.berg@example.edu"),), group="7b"
    ),
    "r03-oneroster-users.csv": Expected((ANNA,), group="7b", notes=("column_chosen", "row_skipped", "row_skipped")),
    "r04-sims.csv": Expected(one("000042", "Anna Berg", "7B")),
    "r04b-powerschool.txt": Expected(one("100042", "Anna Berg", "7B")),
    "r05-german-excel.csv": Expected(
        one("0042", "Jürgen Müller"), encoding="windows-1252", notes=("encoding_assumed",)
    ),
    "r05b-german-english-ids.csv": Expected(one("0042", "Müller")),
    "r05c-french.csv": Expected(
        one("0042", "Éloïse Lefèvre", "5eB"), encoding="windows-1252", notes=("encoding_assumed",)
    ),
    "r05d-sep-line.csv": Expected((ANNA,)),
    "r06-turkish-1254.csv": Expected(
        (("0042", "Ayşe Yıldız Işık", ("7b",)), ("0043", "Çağrı Gökşen İnce", ("7b",))),
        encoding="windows-1254",
        notes=("encoding_assumed",),
    ),
    "r06b-polish-1250.csv": Expected(
        (("0042", "Łukasz Świątek", ("7b",)), ("0043", "Zażółć Źrebak", ("7b",))),
        encoding="windows-1250",
        notes=("encoding_assumed",),
    ),
    "r06c-mac-cr.csv": Expected(one("0042", "Zoé Hébert"), encoding="mac-roman", notes=("encoding_assumed",)),
    "r06e-greek-1253.csv": Expected(one("0042", "Γιώργος Παπάς"), encoding="windows-1253", notes=("encoding_assumed",)),
    "r06f-shiftjis.csv": Expected(one("0042", "山田太郎"), encoding="shift-jis", notes=("encoding_assumed",)),
    "r07-class-with-spaces.csv": Expected(
        (("0042", "Anna Berg", ("Year-7-B",)), ("0043", "Bo Carl", ("10-Biology-A",))),
        names=(("10-Biology-A", "10 Biology A"), ("Year-7-B", "Year 7 B")),
    ),
    "r07b.csv": Expected(
        (("1", "A B", ("Year-7-B",)), ("2", "C D", ("Year-8-A",))),
        names=(("Year-7-B", "Year 7 B"), ("Year-8-A", "Year 8 A")),
    ),
    "r08-names.csv": Expected(
        tuple(
            (str(number), name, ("7b",))
            for number, name in enumerate(
                ("Sinéad O'Brien", "Jean‑Luc d’Arc", "محمد علی", "Zoe 🦄", "Berg, Anna", "Nguyễn Thị Ánh"), 1
            )
        )
    ),
    "r08b-zwnj-persian.csv": Expected(one("1", "علی\u200cرضا نجفی")),
    "r08c-zwj-sinhala.csv": Expected(one("1", "ප්\u200dරියංකා පෙරේරා")),
    "r08d-emoji-zwj.csv": Expected(one("1", "Zoe 👩\u200d🎓")),
    "r08e-rtlmark.csv": Expected(one("1", "יעל כהן")),
    "r08g-nbsp.csv": Expected(one("1", "Anna Berg")),
    "r08h-long.csv": Expected(errors=(("invalid_request", 2, "name", "A" * 79 + "…"),)),
    "r08i-nfd.csv": Expected(one("1", "Zo\u00eb Bj\u00f6rk")),
    "r09-ids.csv": Expected((("007", "A B", ("7b",)), ("1E5", "C D", ("7b",)), ("00042", "E F", ("7b",)))),
    "r09b-slash-ids.csv": Expected(errors=(("invalid_request", 2, "id", "2021/CS/045"),)),
    "r09c-space-ids.csv": Expected(errors=(("invalid_request", 2, "id", "UG 2021 045"),)),
    "r09d-email-ids.csv": Expected(errors=(("invalid_request", 2, "id", "anna@example.edu"),)),
    "r09e-umlaut-group.csv": Expected(one("1", "A B", "Blaser-7"), names=(("Blaser-7", "Bläser-7"),)),
    "r10-title-rows.csv": Expected((ANNA,)),
    "r11-quoted-delim-header.csv": Expected(one("0042", "Berg, Anna")),
    "r12-trailing-total.csv": Expected((ANNA,), notes=("row_skipped",)),
    "r13-multiline-name.csv": Expected((ANNA,)),
    "r14-dup-idcols.csv": Expected((ANNA,)),
    "r14b-serial-col.csv": Expected((ANNA, BO), notes=("column_chosen",)),
    "r15-pipe.csv": Expected((ANNA,)),
    "x01-number-ids.xlsx": Expected(
        (("7", "Anna Berg", ("7b",)), ("42", "Bo Carl", ("7",))), notes=("numeric_id", "numeric_group")
    ),
    "x02-zero-padded-format.xlsx": Expected((("0007", "Anna Berg", ("7b",)), ("0042", "Bo Carl", ("7b",)))),
    "x03-date-group.xlsx": Expected(errors=(("date_cell", 2, "group", "2026-07-02"),)),
    "x04-date-id.xlsx": Expected(errors=(("date_cell", 2, "id", "2026-10-03"),)),
    "x05-group-1e2.xlsx": Expected(one("a1", "Anna Berg", "100"), notes=("numeric_group",)),
    "x06-dimension-A1.xlsx": Expected((ANNA, BO)),
    "x06b-dimension-short.xlsx": Expected((ANNA, BO)),
    "x07-strict.xlsx": "Strict Open XML",
    "x08-second-sheet-active.xlsx": Expected((ANNA,)),
    "x09-title-rows.xlsx": Expected((ANNA,)),
}


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Roster:
    """An empty roster, which no test here writes to."""
    stores = open_local(tmp_path_factory.mktemp("store"))
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return Roster(
        students=stores.students,
        heads=stores.heads,
        groups=groups,
        idempotency=stores.idempotency,
        uploads=None,
        request_training=stores.training.request,
    )


def plan(roster: Roster, name: str, group: str | None = None, *, make_ids: bool = False) -> ImportReport:
    table = read_roster((FOLDER / name).read_bytes(), name)
    groups = [] if group is None else [GroupId(group)]
    return RosterImport(roster).plan(table, groups, make_ids=make_ids)


def students(report: ImportReport) -> list[tuple[str, str, tuple[str, ...]]]:
    assert all(row.action is RowAction.ADD for row in report.rows)
    return [(row.student_id, row.name, tuple(sorted(row.groups))) for row in report.rows]


def test_every_file_has_an_expectation() -> None:
    assert {path.name for path in FOLDER.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_school_s_file_gives_the_right_value_or_names_row_column_and_cell(roster: Roster, name: str) -> None:
    expected = EXPECTED[name]
    if isinstance(expected, str):
        with pytest.raises(MusterError, match=expected):
            read_roster((FOLDER / name).read_bytes(), name)
        return
    report = plan(roster, name, expected.group)
    errors = [(found.code, found.row, found.column, found.value) for found in report.findings if found.error]
    assert tuple(errors) == expected.errors
    if not errors:
        assert students(report) == list(expected.students)
    assert tuple(found.code for found in report.findings if not found.error) == expected.notes
    if expected.encoding is not None:
        assert report.encoding == expected.encoding
    named = {group: name for group, name in report.group_names.items() if group != name}
    assert named == dict(expected.names)


@pytest.mark.parametrize(
    ("name", "student_id"),
    [
        ("r02-google-classroom.csv", "anna.berg-example.edu"),
        ("r09b-slash-ids.csv", "2021-CS-045"),
        ("r09c-space-ids.csv", "UG-2021-045"),
        ("r09d-email-ids.csv", "anna-example.edu"),
    ],
)
def test_other_ids_are_kept_in_a_form_that_ids_can_have_when_asked(roster: Roster, name: str, student_id: str) -> None:
    report = plan(roster, name, "7b", make_ids=True)
    assert [found.code for found in report.findings] == ["ids_made"]
    assert [row[0] for row in students(report)] == [student_id]


def test_a_file_without_a_column_for_groups_says_so_once(roster: Roster) -> None:
    report = plan(roster, "r03-oneroster-users.csv")
    (error,) = [found for found in report.findings if found.error]
    assert (error.code, error.row) == ("group_missing", 1)
