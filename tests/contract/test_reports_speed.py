"""A group's report costs what the group costs, however large the school is."""

from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from benchmarks.report_parts.school import LARGE, MEASURED, ONE_CLASS, School, build
from muster.domain.period import Period
from muster.reports.attendance import AttendanceReport
from muster.services.reports import Reports
from muster.storage.local import open_local

# Far above what benchmarks/reports.py measures, since other tests may keep the machine busy.
BOUND_SECONDS = 2.0


def fastest(place: Path) -> tuple[float, AttendanceReport]:
    stores = open_local(place)
    reports = Reports(stores.students, stores.sessions, stores.groups, ZoneInfo("Europe/Berlin"))
    taken = []
    for _ in range(5):
        started = perf_counter()
        report = reports.of_group(MEASURED, Period())
        taken.append(perf_counter() - started)
    return min(taken), report


@pytest.mark.slow
def test_a_term_of_one_group_is_reported_as_fast_in_a_large_school(tmp_path: Path) -> None:
    large = School(LARGE.groups // 5, LARGE.students, LARGE.sessions, LARGE.other_sessions)
    build(ONE_CLASS, tmp_path / "small")
    build(large, tmp_path / "large")

    alone, report = fastest(tmp_path / "small")
    among_others, same = fastest(tmp_path / "large")

    assert (len(report.students), len(report.sessions), report.tally.marks) == (200, 60, 12_000)
    assert same.tally.marks == 12_000
    assert among_others < BOUND_SECONDS
    assert among_others < 3 * alone + 0.1
