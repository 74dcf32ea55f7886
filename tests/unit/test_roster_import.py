"""What an import plans, applies and refuses, on a real store."""

from pathlib import Path

import pytest

from muster.domain.identifiers import GroupId, StudentId
from muster.services.groups import Groups
from muster.services.roster import Roster
from muster.services.roster_import import ImportReport, RosterImport, RowAction
from muster.services.roster_table import read_roster
from muster.storage.local import open_local


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    stores = open_local(tmp_path)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return Roster(stores.students, stores.heads, groups, stores.answers, None, stores.training.request)


def run(roster: Roster, text: str, *groups: str, dry_run: bool = False) -> ImportReport:
    return RosterImport(roster).run(read_roster(text.encode()), [GroupId(group) for group in groups], dry_run=dry_run)


def stored(roster: Roster) -> dict[str, tuple[str, set[str]]]:
    return {student.id: (student.name, set(student.groups)) for student in roster.find()}


FILE = "id,name,group\n007,Ada,7b\n008,Bob,7b;math\n"


def test_a_dry_run_says_what_would_happen_and_writes_nothing(roster: Roster) -> None:
    report = run(roster, FILE, dry_run=True)
    assert [row.action for row in report.rows] == [RowAction.ADD, RowAction.ADD]
    assert (report.applied, report.findings, stored(roster)) == (False, (), {})


def test_an_import_enrols_without_photo_or_consent(roster: Roster) -> None:
    assert run(roster, FILE, "school").applied
    assert stored(roster) == {"007": ("Ada", {"7b", "school"}), "008": ("Bob", {"7b", "math", "school"})}
    student = roster.get(StudentId("007"))
    assert (student.consent, student.registered_at) == (None, None)


def test_the_same_file_again_changes_nothing(roster: Roster) -> None:
    run(roster, FILE)
    before = roster.find()
    report = run(roster, FILE)
    assert report.count(RowAction.NOTHING) == 2
    assert roster.find() == before


def test_a_known_student_is_renamed_with_a_warning_and_leaves_no_group(roster: Roster) -> None:
    run(roster, FILE)
    report = run(roster, "id,name,group\n008,Robert,8a\n")
    assert [(finding.code, finding.error) for finding in report.findings] == [("renamed", False)]
    assert stored(roster)["008"] == ("Robert", {"7b", "math", "8a"})


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("../x,Ada,7b", "invalid_request"),
        ("1,,7b", "invalid_request"),
        (f"1,{'x' * 300},7b", "invalid_request"),
        ("1,Ada,", "group_missing"),
        ("1,Ada,no/group", "invalid_request"),
        ("1,=HYPERLINK(),7b", "formula_cell"),
        ("007,Ada,7b", "repeated_id"),
        ("1,Ada," + ";".join(f"g{number}" for number in range(41)), "too_many_groups"),
    ],
)
def test_one_bad_row_is_named_and_keeps_the_file_from_being_applied(roster: Roster, line: str, code: str) -> None:
    report = run(roster, f"{FILE}{line}\n")
    assert [(finding.row, finding.code) for finding in report.findings if finding.error] == [(4, code)]
    assert report.rows[-1].action is RowAction.REFUSE
    assert (report.applied, stored(roster)) == (False, {})


def test_an_import_cut_off_in_the_middle_is_finished_by_the_next(roster: Roster) -> None:
    run(roster, "id,name,group\n007,Ada,7b\n")
    report = run(roster, FILE)
    assert [row.action for row in report.rows] == [RowAction.NOTHING, RowAction.ADD]
    assert set(stored(roster)) == {"007", "008"}
