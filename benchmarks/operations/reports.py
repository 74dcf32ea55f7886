"""Time the reports of one group's term and of its year, in a school of one class and in a large one.

`python -m benchmarks reports`
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from benchmarks.operations.report_parts.school import (
    LARGE,
    LARGE_YEARS,
    MEASURED,
    ONE_CLASS,
    ONE_YEAR,
    TERM,
    built,
)
from muster.api.schemas.reports import ReportDocument
from muster.domain.period import Period
from muster.reports.breakdown import Dimension, break_down
from muster.reports.csv_file import csv_file
from muster.reports.html_page import html_page
from muster.reports.moodle import moodle_archive
from muster.reports.xlsx_file import xlsx_file
from muster.services.reporting.exports import Exports
from muster.services.reporting.overviews import Overviews
from muster.services.reporting.reports import Reports
from muster.storage.local import open_local

BUDGET_SECONDS = 0.3
_REPEATS = 7
_BERLIN = ZoneInfo("Europe/Berlin")
_EVERYTHING = Period()


def main() -> int:
    """Print the times; return 1 where the budget is missed."""
    started = perf_counter()
    places = {"one class": built(ONE_CLASS), "large school": built(LARGE)}
    years = {"one class": built(ONE_YEAR), "large school": built(LARGE_YEARS)}
    print(f"schools ready after {perf_counter() - started:.1f} s")
    print(f"{LARGE.groups * LARGE.students:,} students and {LARGE.marks:,} marks in the large one;")
    print(f"the report of one group: {ONE_CLASS.students} students, {ONE_CLASS.sessions} sessions")
    seconds = {name: _of_school(place) for name, place in places.items()}
    for form in seconds["one class"]:
        times = "".join(f"{taken[form] * 1000:10.1f} ms {name}" for name, taken in seconds.items())
        print(f"{form:20}{times}")
    print(f"the year of one group: {ONE_YEAR.students} students, {ONE_YEAR.sessions} lessons, beside")
    print(f"{LARGE_YEARS.marks:,} marks in the large school")
    year_seconds = {name: _of_year(place) for name, place in years.items()}
    for form in year_seconds["one class"]:
        print(f"{form:20}" + "".join(f"{taken[form] * 1000:10.1f} ms {name}" for name, taken in year_seconds.items()))
    within = all(taken["JSON"] < BUDGET_SECONDS for taken in seconds.values())
    # A workbook is a file to keep, not a screen to wait for.
    screens = [second for taken in year_seconds.values() for form, second in taken.items() if form != "XLSX"]
    within &= max(screens) < BUDGET_SECONDS
    rounded = {name: {form: round(taken, 4) for form, taken in forms.items()} for name, forms in seconds.items()}
    year_rounded = {
        name: {form: round(taken, 4) for form, taken in forms.items()} for name, forms in year_seconds.items()
    }
    document = {"benchmark": "reports", "marks": LARGE.marks, "seconds": rounded, "year_seconds": year_rounded}
    print(json.dumps(document | {"budget_seconds": BUDGET_SECONDS, "within_budget": within}))
    return 0 if within else 1


def _of_school(place: Path) -> dict[str, float]:
    stores = open_local(place)
    reports = Reports(stores.students, stores.sessions, stores.groups, _BERLIN)
    report = reports.of_group(MEASURED, _EVERYTHING)
    (student, session) = (report.students[0].id, report.sessions[0].id)
    return {
        "JSON": _timed(lambda: _json(reports)),
        "CSV": _timed(lambda: csv_file(reports.of_group(MEASURED, _EVERYTHING))),
        "XLSX": _timed(lambda: xlsx_file(reports.of_group(MEASURED, _EVERYTHING))),
        "HTML": _timed(lambda: html_page(reports.of_group(MEASURED, _EVERYTHING))),
        "one student, JSON": _timed(
            lambda: ReportDocument.of(reports.of_student(student, _EVERYTHING)).model_dump_json()
        ),
        "one session, JSON": _timed(lambda: ReportDocument.of(reports.of_session(session)).model_dump_json()),
    }


def _of_year(place: Path) -> dict[str, float]:
    stores = open_local(place)
    now = TERM + timedelta(days=ONE_YEAR.sessions)
    parts = (stores.students, stores.sessions, stores.groups, _BERLIN, lambda: now)
    reports, overviews, exports = Reports(*parts), Overviews(*parts), Exports(*parts[:4], now=lambda: now)
    return {
        "JSON": _timed(lambda: _json(reports)),
        "CSV": _timed(lambda: csv_file(reports.of_group(MEASURED, _EVERYTHING))),
        "HTML": _timed(lambda: html_page(reports.of_group(MEASURED, _EVERYTHING))),
        "XLSX": _timed(lambda: xlsx_file(reports.of_group(MEASURED, _EVERYTHING))),
        "by weekday": _timed(lambda: break_down(reports.of_group(MEASURED, _EVERYTHING), Dimension.WEEKDAY)),
        "absences in a row": _timed(lambda: overviews.missing(3, _EVERYTHING, days=True, group_id=MEASURED)),
        "low attendance": _timed(lambda: overviews.low(90, _EVERYTHING, group_id=MEASURED)),
        "one day, one group": _timed(lambda: overviews.of_day(TERM.date(), group_id=MEASURED)),
        "Moodle": _timed(lambda: moodle_archive(exports.of_group(MEASURED, _EVERYTHING))),
    }


def _json(reports: Reports) -> str:
    return ReportDocument.of(reports.of_group(MEASURED, _EVERYTHING)).model_dump_json()


def _timed(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_REPEATS):
        started = perf_counter()
        work()
        taken.append(perf_counter() - started)
    return median(taken)


if __name__ == "__main__":
    sys.exit(main())
