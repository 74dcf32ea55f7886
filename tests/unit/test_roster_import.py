"""Roster imports on a real store: the plan, its application and refusals."""

from pathlib import Path

import pytest

from muster.domain.errors import GroupNotFound, VersionConflict
from muster.domain.identifiers import GroupId, StudentId
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.services.roster_import.execution import GroupChanges, ImportReport, RosterImport, RowAction
from muster.services.roster_import.table import read_roster
from muster.storage.local import open_local


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    stores = open_local(tmp_path)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return Roster(
        students=stores.students,
        heads=stores.heads,
        groups=groups,
        idempotency=stores.idempotency,
        uploads=None,
        request_training=stores.training.request,
    )


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
        (f"1,Ada,{'x' * 201}", "invalid_request"),
        ("1,Ada\x07,7b", "invalid_request"),
        ("1,Ada\ufffd,7b", "invalid_request"),
        ("1,Ada,Maths;Máths", "group_collision"),
        ("1,=HYPERLINK(),7b", "formula_cell"),
        ("007,Someone,7b", "repeated_id"),
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


def test_rows_of_one_student_are_joined_where_they_agree(roster: Roster) -> None:
    report = run(roster, "id,name,course\n007,Ada,Maths\n008,Bob,Maths\n007,Ada,Art\n")
    assert [row.row for row in report.rows] == [2, 3]
    assert stored(roster)["007"] == ("Ada", {"Maths", "Art"})


def test_the_same_name_decomposed_is_as_before(roster: Roster) -> None:
    run(roster, "id,name,group\n1,Zo\u00eb,7b\n")
    report = run(roster, "id,name,group\n1,Zoe\u0308,7b\n")
    assert (report.count(RowAction.NOTHING), report.findings) == (1, ())


def test_two_class_names_never_share_an_id_silently(roster: Roster) -> None:
    report = run(roster, "id,name,group\n1,Ada,Year 7 B\n2,Bob,Year-7-B\n")
    assert [(found.row, found.code, found.value) for found in report.findings] == [(3, "group_collision", "Year-7-B")]
    assert run(roster, "id,name,group\n1,Ada,Year-7-B\n").applied
    report = run(roster, "id,name,group\n2,Bob,Year 7 B\n")
    assert [(found.code, found.error) for found in report.findings] == [("group_renamed", False)]


def test_class_names_keep_their_form_and_are_found_again(roster: Roster) -> None:
    text = "id,name,group\n1,Ada,Year 7 B;Bläser-7;三年B組\n"
    run(roster, text)
    names = roster.group_names()
    assert {names["Year-7-B"], names["Blaser-7"]} == {"Year 7 B", "Bläser-7"}  # type: ignore[index]
    assert sorted(names.values()) == ["Bläser-7", "Year 7 B", "三年B組"]
    report = run(roster, text)
    assert (report.count(RowAction.NOTHING), report.findings) == (1, ())


def test_made_ids_never_share_one_silently(roster: Roster) -> None:
    def made(text: str) -> ImportReport:
        return RosterImport(roster).run(read_roster(text.encode()), make_ids=True)

    report = made("id,name,group\n21/4,Ada,7b\n21 4,Bob,7b\n")
    assert [(found.row, found.code) for found in report.findings if found.error] == [(3, "id_collision")]
    assert made("id,name,group\n21-4,Ada,7b\n").applied
    report = made("id,name,group\n21/4,Bob,7b\n")
    assert [found.code for found in report.findings if found.error] == ["id_collision"]
    assert made("id,name,group\n21/4,Ada,7b\n").count(RowAction.NOTHING) == 1


SCHOOL = "id,name,group\ns1,Ada,7a\ns1,Ada,chess\ns2,Bob,7a\ns3,Cem,7b\ns4,Dan,7a;art\n"


def moves(report: ImportReport) -> dict[str, tuple[set[str], set[str]]]:
    return {row.student_id: (set(row.leaves), set(row.joins)) for row in report.rows if row.leaves or row.joins}


def test_a_file_that_replaces_groups_moves_the_students_of_those_groups(roster: Roster) -> None:
    run(roster, SCHOOL)
    table = read_roster(b"id,name,group\ns1,Ada,7b\ns2,Bob,7a\ns3,Cem,7b\n")
    replacing = GroupChanges(replace=True)
    looked = RosterImport(roster).run(table, dry_run=True, changes=replacing)
    assert moves(looked) == {"s1": ({"7a"}, {"7b"}), "s4": ({"7a"}, set())}
    assert stored(roster)["s1"] == ("Ada", {"7a", "chess"})
    assert RosterImport(roster).run(table, changes=replacing).applied
    assert {student: groups for student, (_, groups) in stored(roster).items()} == {
        "s1": {"7b", "chess"},
        "s2": {"7a"},
        "s3": {"7b"},
        "s4": {"art"},
    }
    assert RosterImport(roster).run(table, changes=replacing).count(RowAction.NOTHING) == 3


def test_a_student_keeps_the_last_group_and_the_report_says_so(roster: Roster) -> None:
    run(roster, SCHOOL)
    report = RosterImport(roster).run(read_roster(b"id,name,group\ns1,Ada,7a\n"), changes=GroupChanges(replace=True))
    assert [(found.code, found.error) for found in report.findings] == [("last_group", False)]
    assert "s2 (Bob)" in report.findings[0].detail
    assert stored(roster)["s2"] == ("Bob", {"7a"})


def test_everyone_in_a_class_list_leaves_the_group_named(roster: Roster) -> None:
    run(roster, SCHOOL)
    table = read_roster(b"id,name,group\ns1,Ada,7b\ns2,Bob,7a\n")
    report = RosterImport(roster).run(table, changes=GroupChanges(leave=frozenset({GroupId("7a")})))
    assert moves(report) == {"s1": ({"7a"}, {"7b"})}
    assert stored(roster)["s1"] == ("Ada", {"7b", "chess"})
    with pytest.raises(GroupNotFound):
        RosterImport(roster).plan(table, changes=GroupChanges(leave=frozenset({GroupId("7A")})))


def test_a_plan_is_not_applied_over_somebody_else_s_change(roster: Roster) -> None:
    run(roster, SCHOOL)
    use_case = RosterImport(roster)
    planned = use_case.plan(read_roster(b"id,name,group\ns2,Robert,7b\n"))
    roster.update(StudentId("s2"), 1, name="Bobby")
    with pytest.raises(VersionConflict):
        use_case.apply(planned)
    assert stored(roster)["s2"] == ("Bobby", {"7a"})
