"""A group's report costs what the group costs, however large the school is."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks.operations.report_parts.school import LARGE, MEASURED, ONE_CLASS, School, build
from muster.domain.period import Period
from muster.reports.attendance import AttendanceReport
from muster.services.reporting.reports import Reports
from muster.storage.local import open_local
from tests.contract.sqlite_steps import counted_steps


def reported(place: Path) -> tuple[int, AttendanceReport]:
    """Return the instructions that SQLite took for a report, and the report; benchmarks/operations/reports.py takes the
    time."""
    with counted_steps() as steps:
        stores = open_local(place)
        reports = Reports(stores.students, stores.sessions, stores.groups, ZoneInfo("Europe/Berlin"))
        before = steps.total
        report = reports.of_group(MEASURED, Period())
        return steps.total - before, report


@pytest.mark.large
def test_a_term_of_one_group_takes_no_more_reading_in_a_large_school(tmp_path: Path) -> None:
    large = School(LARGE.groups // 5, LARGE.students, LARGE.sessions, LARGE.other_sessions)
    build(ONE_CLASS, tmp_path / "small")
    build(large, tmp_path / "large")

    alone, report = reported(tmp_path / "small")
    among_others, same = reported(tmp_path / "large")

    assert (len(report.students), len(report.sessions), report.tally.marks) == (200, 60, 12_000)
    assert same.tally.marks == 12_000
    assert alone > 12_000
    assert among_others < 1.5 * alone
