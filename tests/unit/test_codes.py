"""Attendance codes: defaults, presets, and changes of the table that leave every total unchanged."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from muster.domain.attendance import STATUSES_BY_HAND, Mark, MarkSource, MarkStatus
from muster.domain.codes import DEFAULT_TABLE, PRESETS, AttendanceCode, CodeTable
from muster.domain.errors import CodeInUse, InvalidRequest
from muster.domain.identifiers import StudentId

ENGLAND = CodeTable(PRESETS["england-2024"], "england-2024")
ABSENT, EXCUSED, LATE, PRESENT = MarkStatus.ABSENT, MarkStatus.EXCUSED, MarkStatus.LATE, MarkStatus.PRESENT


def mark(status: MarkStatus, code: str | None = None) -> Mark:
    return Mark(StudentId("a"), status, MarkSource.MANUAL, datetime(2026, 9, 1, tzinfo=UTC), code)


def letters(table: CodeTable, **of_mark: bool) -> list[str]:
    return [found.code for status in STATUSES_BY_HAND if (found := table.of_mark(mark(status), **of_mark)) is not None]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_table_with_a_default_for_each_status(name: str) -> None:
    table = DEFAULT_TABLE.switched_to(name)
    assert table.codes == PRESETS[name]
    assert [table.default(status) is not None for status in STATUSES_BY_HAND] == [True] * 4
    assert table.default(MarkStatus.REVIEW) is None


def test_marks_without_a_code_have_the_default_of_their_status() -> None:
    assert letters(DEFAULT_TABLE) == ["P", "A", "L", "E"]
    assert letters(ENGLAND) == ["/", "N", "L", "X"]
    assert letters(ENGLAND, afternoon=True) == ["\\", "N", "L", "X"]
    assert ENGLAND.of_mark(mark(ABSENT, "I")) == ENGLAND.find("I")


def test_england_counts_its_codes_as_the_guidance_does() -> None:
    of_status: dict[MarkStatus, list[str]] = {
        status: "".join(f"{code.code} " for code in ENGLAND.codes if code.status is status).split()
        for status in STATUSES_BY_HAND
    }
    assert set(of_status[PRESENT]) == {"/", "\\", "B", "K", "P", "V", "W"}
    assert of_status[LATE] == ["L"]
    assert set(of_status[EXCUSED]) == {"D", "Q", "X", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#"}
    unauthorised = {code.code for code in ENGLAND.codes if code.meaning.endswith("(unauthorised)")}
    assert unauthorised == {"G", "N", "O", "U"}
    assert set(of_status[ABSENT]) - unauthorised == {"C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T"}


def test_some_codes_of_england_say_where_the_student_is() -> None:
    attending = {code.code for code in ENGLAND.codes if code.is_in_building}
    assert attending == {"/", "\\", "L", "U"}
    assert not ENGLAND.is_in_building(mark(PRESENT, "V"))
    assert ENGLAND.is_in_building(mark(ABSENT, "U"))
    assert ENGLAND.is_in_building(mark(PRESENT))
    assert not ENGLAND.is_in_building(replace(mark(PRESENT), source=MarkSource.PLANNED))
    # A client that does not know the field does not move a trip into the building; a new status has its own default.
    unknown = [replace(code, in_building=None, colour="#000000") for code in ENGLAND.codes]
    kept = CodeTable(tuple(ENGLAND.completed(unknown)))
    assert {code.code for code in kept.codes if code.is_in_building} == attending
    (absent,) = ENGLAND.completed([AttendanceCode("V", "Truant", ABSENT, "#000000")])
    assert not absent.is_in_building


def test_a_used_code_can_be_renamed_recoloured_and_retired_but_keeps_its_status() -> None:
    table = DEFAULT_TABLE.with_used({"L"})
    changed = [replace(code, meaning="Tardy", colour="#000000") if code.code == "L" else code for code in table.codes]
    renamed = table.replaced_by(changed)
    assert renamed.find("L") == AttendanceCode("L", "Tardy", LATE, "#000000")
    assert renamed.used == {"L"}
    retired = [*(code for code in changed if code.code != "L"), AttendanceCode("T", "Tardy", LATE, "#000000")]
    with pytest.raises(CodeInUse, match="Retire it"):
        table.replaced_by(retired)
    with pytest.raises(CodeInUse, match="counting as late"):
        table.replaced_by([*retired, AttendanceCode("L", "Left", ABSENT, "#000000")])
    kept = table.replaced_by([*retired, AttendanceCode("L", "Late", LATE, "#000000", retired=True)])
    assert [code.code for code in kept.offered()] == ["P", "A", "E", "T"]
    assert kept.of_mark(mark(LATE, "L")) == kept.find("L")
    assert kept.default(LATE) == kept.find("T")
    # Unused codes may go.
    assert DEFAULT_TABLE.replaced_by(retired).find("L") is None


def test_another_preset_keeps_used_codes_retired_and_refuses_another_meaning() -> None:
    table = CodeTable(
        (*DEFAULT_TABLE.codes, AttendanceCode("Lib", "Library", PRESENT, "#000000")), "", frozenset({"Lib"})
    )
    switched = table.switched_to("england-2024")
    assert switched.find("Lib") == AttendanceCode("Lib", "Library", PRESENT, "#000000", retired=True)
    assert switched.preset == "england-2024"
    with pytest.raises(CodeInUse):
        DEFAULT_TABLE.with_used({"E"}).switched_to("england-2024")
    with pytest.raises(InvalidRequest, match="no preset"):
        DEFAULT_TABLE.switched_to("mars")


@pytest.mark.parametrize(
    "code",
    [
        AttendanceCode("", "Empty", PRESENT, "#000000"),
        AttendanceCode("TOO-L", "Long", PRESENT, "#000000"),
        AttendanceCode("a b", "Space", PRESENT, "#000000"),
        AttendanceCode("P", "Twice", PRESENT, "#000000"),
        AttendanceCode("X", " ", PRESENT, "#000000"),
        AttendanceCode("X", "m" * 121, PRESENT, "#000000"),
        AttendanceCode("X", "Review", MarkStatus.REVIEW, "#000000"),
        AttendanceCode("X", "Colour", PRESENT, "red"),
    ],
)
def test_a_malformed_code_is_refused(code: AttendanceCode) -> None:
    with pytest.raises(InvalidRequest):
        DEFAULT_TABLE.replaced_by([*DEFAULT_TABLE.codes, code])


def test_each_status_needs_a_code_on_offer() -> None:
    with pytest.raises(InvalidRequest, match="counts as excused"):
        DEFAULT_TABLE.replaced_by(DEFAULT_TABLE.codes[:3])
