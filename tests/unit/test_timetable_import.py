"""Lessons of tables and calendars: read, compared with the stored ones, and hostile files refused."""

from dataclasses import replace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from muster.domain.errors import EmptyUpload, InvalidRequest, UnsupportedTable
from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from muster.domain.timetable import Lesson
from muster.services.roll_call.sessions import Sessions
from muster.services.timetable.timetables import Timetables
from muster.services.timetable_import.calendars import read_calendar_file
from muster.services.timetable_import.cell_values import read_day, read_time, read_times, read_weekdays
from muster.services.timetable_import.parsed import ParsedFile
from muster.services.timetable_import.planning import TimetableImport
from muster.services.timetable_import.tables import read_table
from muster.storage.local import open_local

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 9, 1)
G7B, G8A = GroupId("7b"), GroupId("8a")
GROUPS = {G7B: Group(G7B, "Class 7b"), G8A: Group(G8A, "Class 8a")}


def table(text: str, default: GroupId | None = None) -> ParsedFile:
    return read_table(text.encode(), GROUPS, default)


def short(parsed: ParsedFile) -> list[tuple[str, int, str, str, str]]:
    return [
        (lesson.group_id, lesson.weekday, f"{lesson.starts:%H:%M}", f"{lesson.ends:%H:%M}", lesson.subject)
        for _, lesson in parsed.lessons
    ]


def calendar(*events: str) -> ParsedFile:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event.strip().split("\n"), "END:VEVENT"]
    text = "\r\n".join([*(line.strip() for line in lines), "END:VCALENDAR", ""])
    return read_calendar_file(text.encode(), G7B, BERLIN, TODAY)


def test_columns_are_found_by_english_and_german_titles() -> None:
    english = table("Class,Day,Start,End,Subject,Room,Teacher\n7b,Monday,8:00,8:45,Mathematics,12,Ms Ada\n")
    german = table(
        "Klasse;Wochentag;Beginn;Ende;Fach;Raum;Lehrkraft\nclass 7B;Mo;08.00 Uhr;0845;Mathematics;12;Ms Ada\n"
    )
    assert short(english) == short(german) == [("7b", 1, "08:00", "08:45", "Mathematics")]
    assert english.lessons[0][1] == german.lessons[0][1]
    assert german.columns["teacher"] == "Lehrkraft"


def test_one_row_may_hold_several_weekdays_and_a_period_of_days() -> None:
    text = "Tag;Zeit;Fach;gültig ab;gültig bis;Rhythmus\nMo, Mi;8:00-8:45;Art;1.9.2026;2026-12-18;2\n"
    (_, monday), (_, wednesday) = table(text, G7B).lessons
    assert (monday.weekday, wednesday.weekday, monday.every_weeks) == (1, 3, 2)
    assert (monday.first_day, monday.last_day) == (date(2026, 9, 1), date(2026, 12, 18))


def test_every_mistake_of_a_row_is_named_with_its_column() -> None:
    parsed = table("group,weekday,start,end,first day\n9z,Moonday,8,25:00,01/09/2026\n7b,Mon,9:00,8:00,\n")
    assert [(finding.row, finding.code, finding.column) for finding in parsed.findings] == [
        (2, "group_unknown", "group"),
        (2, "weekday_unknown", "weekday"),
        (2, "time_unknown", "end"),
        (2, "day_unknown", "first day"),
        (3, "lesson_invalid", None),
    ]
    assert parsed.lessons == []


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "weekday,start,end\nMon,8:00,9:00\n", "\x00\x01\x02"])
def test_a_table_without_the_needed_columns_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedTable):
        table(text)


def test_times_weekdays_and_days_as_people_write_them() -> None:
    assert [read_time(text) for text in ("8", "2:15 pm", "12:05 am", "08:00:00", "24:00", "8:60", "x")] == [
        time(8),
        time(14, 15),
        time(0, 5),
        time(8),
        None,
        None,
        None,
    ]
    assert read_times("8:00 bis 8:45") == (time(8), time(8, 45))
    assert read_times("8:00") is None
    assert [read_weekdays(text) for text in ("Tue/Thu", "Do", "5", "", "Mon, xyz")] == [[2, 4], [4], [5], None, None]
    assert [read_day(text) for text in ("2026-02-30", "1. 9. 2026", "2026-09-01 00:00:00")] == [None, TODAY, TODAY]


def test_a_weekly_rule_with_excluded_and_moved_days_is_one_lesson() -> None:
    rule = """UID:1
        SUMMARY:Mathematics
        LOCATION:Room 12
        ORGANIZER;CN=Ms Ada:mailto:ada@example.org
        DTSTART;TZID=Europe/Berlin:20260907T080000
        DTEND;TZID=Europe/Berlin:20260907T084500
        RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261109T070000Z
        EXDATE;TZID=Europe/Berlin:20260921T080000"""
    moved = """UID:1
        SUMMARY:Mathematics
        RECURRENCE-ID;TZID=Europe/Berlin:20261005T080000
        DTSTART;TZID=Europe/Berlin:20261006T100000
        DTEND;TZID=Europe/Berlin:20261006T104500"""
    (_, lesson), (_, other) = calendar(rule, moved).lessons
    # Clocks change on 25 October; the lesson stays at eight.
    assert (lesson.weekday, lesson.starts, lesson.ends) == (1, time(8), time(8, 45))
    assert (lesson.subject, lesson.room, lesson.teacher) == ("Mathematics", "Room 12", "Ms Ada")
    assert (lesson.first_day, lesson.last_day) == (date(2026, 9, 7), date(2026, 11, 9))
    assert lesson.cancelled == {date(2026, 9, 21), date(2026, 10, 5)}
    assert (other.weekday, other.first_day, other.last_day) == (2, date(2026, 10, 6), date(2026, 10, 6))


def test_exceptions_are_found_in_whatever_zone_a_program_writes_them() -> None:
    # 20:00 in New York is 2:00 of the next day in Berlin, and 0:00 in UTC.
    start = "DTSTART;TZID=America/New_York:2026090{}T200000\nDTEND;TZID=America/New_York:2026090{}T204500"
    rule = f"UID:1\nSUMMARY:Call\n{start.format(7, 7)}\nRRULE:FREQ=WEEKLY;COUNT=5\nEXDATE:20260915T000000Z"
    moved = "UID:1\nSUMMARY:Call\nRECURRENCE-ID;TZID=Europe/Berlin:20260922T020000\nSTATUS:CANCELLED\n" + start.format(
        8, 8
    )
    ((_, lesson),) = calendar(rule, moved).lessons
    assert (lesson.weekday, lesson.starts) == (2, time(2))
    assert (lesson.first_day, lesson.last_day) == (date(2026, 9, 8), date(2026, 10, 6))
    assert lesson.cancelled == {date(2026, 9, 15), date(2026, 9, 22)}

    # Times without a zone are the school's, and an exception may be a bare day.
    local = "DTSTART:20260907T003000\nDTEND:20260907T011500\nRRULE:FREQ=WEEKLY;COUNT=6"
    ((_, lesson),) = calendar(f"{local}\nEXDATE:20260913T223000Z\nEXDATE;VALUE=DATE:20260921").lessons
    assert lesson.cancelled == {date(2026, 9, 14), date(2026, 9, 21)}


def test_single_days_beside_a_rule_are_lessons_too() -> None:
    rule = """SUMMARY:Art
        DTSTART;TZID=Europe/Berlin:20260907T080000
        DTEND;TZID=Europe/Berlin:20260907T084500
        RDATE;TZID=Europe/Berlin:20260914T080000,20260921T080000
        RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260909T100000/PT1H
        EXDATE;TZID=Europe/Berlin:20260914T080000"""
    (_, weekly), (_, period) = sorted(calendar(rule).lessons, key=lambda found: found[1].weekday)
    assert (weekly.first_day, weekly.last_day, weekly.starts) == (date(2026, 9, 7), date(2026, 9, 21), time(8))
    assert not weekly.is_on(date(2026, 9, 14))
    assert (period.first_day, period.starts, period.ends) == (date(2026, 9, 9), time(10), time(11))
    later = (
        "UID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260914T060000Z\nDTSTART:20260914T070000Z\nDTEND:20260914T080000Z"
    )
    assert [finding.code for finding in calendar(later).findings] == ["rule_unsupported"]


def test_single_events_of_a_year_become_weekly_lessons() -> None:
    def event(day: str, hour: str = "06") -> str:
        return f"SUMMARY:Art\nDTSTART:{day}T{hour}0000Z\nDTEND:{day}T{hour}4500Z"

    fortnightly = [event(f"202609{day}") for day in ("07", "21")] + [event("20261005"), event("20261102", "07")]
    ((_, lesson),) = calendar(*fortnightly).lessons
    assert (lesson.starts, lesson.every_weeks) == (time(8), 2)
    assert (lesson.first_day, lesson.last_day) == (date(2026, 9, 7), date(2026, 11, 2))
    assert lesson.cancelled == {date(2026, 10, 19)}


def test_events_that_are_no_lessons_are_left_out_or_refused() -> None:
    times = "DTSTART:20260907T060000Z\nDTEND:20260907T064500Z"
    parsed = calendar(
        "SUMMARY:Holiday\nDTSTART;VALUE=DATE:20261026",
        f"STATUS:CANCELLED\n{times}",
        "DTSTART:20260907T060000Z\nDTEND:20260909T060000Z",
        f"RRULE:FREQ=MONTHLY\n{times}",
        f"RRULE:FREQ=SECONDLY\n{times}",
        f"RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\n{times}",
        f"RRULE:FREQ=DAILY;COUNT=999999999\n{times}",
    )
    assert parsed.lessons == []
    codes = [finding.code for finding in parsed.findings]
    assert codes == ["event_skipped"] * 2 + ["rule_unsupported"] * 4


def test_calendars_that_would_take_long_are_refused() -> None:
    daily = "DTSTART:20260907T060000Z\nDTEND:20260907T064500Z\nRRULE:FREQ=DAILY"
    with pytest.raises(UnsupportedTable, match="lessons"):
        calendar(*[f"{daily}\nSUMMARY:{number}" for number in range(40)])
    zone = "BEGIN:VTIMEZONE\r\nTZID:x\r\nBEGIN:STANDARD\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    for text in (f"BEGIN:VCALENDAR\r\n{zone}END:VCALENDAR\r\n", "BEGIN:VCALENDAR\r\nnonsense\r\n", "BEGIN:VCALENDAR"):
        try:
            assert read_calendar_file(text.encode(), G7B, BERLIN, TODAY).lessons == []
        except UnsupportedTable:
            continue
    for rule in ("RRULE:FREQ=\r\n SECONDLY", "RRULE:FR\r\n\tEQ=HOURLY"):
        with pytest.raises(UnsupportedTable, match="time zones"):
            zoned("+0100", f"{rule}\r\n")
    with pytest.raises(UnsupportedTable, match="time zones"):
        read_calendar_file(b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VTIMEZONE\r\n" * 100_000, G7B, BERLIN, TODAY)
    past = daily.replace("20260907", "20230101") + ";COUNT=500"
    with pytest.raises(UnsupportedTable, match="lessons"):
        calendar(*[f"{past}\nSUMMARY:{number}" for number in range(110)])


def zoned(offset: str, rule: str = "") -> ParsedFile:
    """Read a lesson at 8:00 in a time zone that the file defines itself."""
    text = (
        "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Customized\r\nBEGIN:STANDARD\r\nDTSTART:19900101T000000\r\n"
        f"{rule}TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
        "DTSTART;TZID=Customized:20260907T080000\r\nDTEND;TZID=Customized:20260907T084500\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    return read_calendar_file(text.encode(), G7B, BERLIN, TODAY)


def test_a_time_zone_that_a_file_defines_is_its_own() -> None:
    # Berlin is two hours ahead of UTC in September.
    assert [short(zoned(offset))[0][2] for offset in ("+0200", "+0500", "+0200")] == ["08:00", "05:00", "08:00"]


def test_too_many_lessons_are_refused_before_they_are_compared(imports: TimetableImport) -> None:
    rows = "".join(f"Mo,{hour}:{minute:02d},{hour + 1}:{minute:02d}\n" for hour in range(8, 13) for minute in range(60))
    with pytest.raises(InvalidRequest, match="300"):
        imports.run(f"weekday,start,end\n{rows}".encode(), G7B)


@pytest.fixture
def imports(tmp_path: Path) -> TimetableImport:
    stores = open_local(tmp_path)
    for group in GROUPS.values():
        stores.groups.add(group)
    sessions = Sessions(stores.students, stores.sessions, stores.groups)
    return TimetableImport(Timetables(stores.documents, stores.groups, stores.sessions, sessions, BERLIN))


def test_an_import_shows_and_makes_the_changes_to_the_groups_that_the_file_names(imports: TimetableImport) -> None:
    timetables = imports.timetables
    kept = Lesson(id="kept", group_id=G7B, weekday=1, starts=time(8), ends=time(8, 45), subject="Maths")
    moved = replace(kept, id="moved", weekday=2, subject="Art")
    gone = replace(kept, id="gone", weekday=5, subject="Latin")
    timetables.change_lessons(G7B, [kept, moved, gone], 0)
    timetables.change_lessons(G8A, [replace(kept, group_id=G8A)], 0)
    text = b"group,day,start,end,subject\n7b,Mon,8:00,8:45,Maths\n7b,Tue,9:00,9:45,Art\n7b,Wed,8:00,8:45,Music\n"
    plan = imports.run(text, dry_run=True)
    (part,) = plan.groups
    assert ([lesson.subject for lesson in part.added], part.unchanged, plan.executed) == (["Music"], 1, False)
    assert [(before.id, after.id, after.starts) for before, after in part.changed] == [("moved", "moved", time(9))]
    assert part.removed == (gone,)
    assert timetables.lessons(G7B).version == 1
    assert imports.run(text).executed
    assert [lesson.subject for lesson in timetables.lessons(G7B).lessons] == ["Maths", "Art", "Music"]
    assert timetables.lessons(G8A).version == 1
    again = imports.run(text)
    assert not any(part.has_changes for part in again.groups)
    assert timetables.lessons(G7B).version == 2


def test_a_file_with_an_error_changes_nothing(imports: TimetableImport) -> None:
    plan = imports.run(b"group,day,start,end\n7b,Mon,8:00,8:45\n7b,Xday,8:00,8:45\n")
    assert plan.has_errors
    assert not plan.executed
    assert imports.timetables.lessons(G7B).version == 0
    with pytest.raises(EmptyUpload):
        imports.run(b" \n")
    with pytest.raises(InvalidRequest, match="group"):
        imports.run(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    with pytest.raises(UnsupportedTable):
        imports.run(b"group,day,start,end\n")
