"""Notices of absences on each store: several processes at once, and a school with many absences."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock
from zoneinfo import ZoneInfo

from muster.domain.absence_notices import Contact, NoticeState
from muster.domain.attendance import Mark, MarkSource, MarkStatus, RegisterChange, Session
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.services.notices.channels import Channels
from muster.services.notices.records import NoticeRecords
from muster.services.notices.sending import Notices
from tests.contract.places import Place, Stores

MORNING = datetime(2026, 9, 7, 8, tzinfo=UTC)
ABSENT = 12
PROCESSES = 3


@dataclass
class Mail:
    """Counts messages by address."""

    taken: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        with self.lock:
            self.taken[address] += 1


def notices_of(stores: Stores, mail: Mail) -> Notices:
    return Notices(
        students=stores.students,
        sessions=stores.sessions,
        groups=stores.groups,
        records=NoticeRecords(stores.documents),
        zone=ZoneInfo("UTC"),
        channels=Channels(mail=mail),
        now=lambda: MORNING + timedelta(hours=1),
    )


def test_processes_that_send_at_once_write_to_each_address_once(place: Place) -> None:
    stores, mail = place.open(), Mail()
    students = [StudentId(f"s{number}") for number in range(ABSENT)]
    stores.groups.add(Group(GroupId("7b"), "7b"))
    for student in students:
        stores.students.enrol(Student(student, student, frozenset({GroupId("7b")}), None, None))
        notices_of(stores, mail).records.set_contacts(student, [Contact(f"{student}@example.org")])
    session = Session(SessionId("first"), GroupId("7b"), MORNING)
    stores.sessions.create(session, students)
    marks = [Mark(student, MarkStatus.ABSENT, MarkSource.MANUAL, MORNING) for student in students]
    stores.sessions.amend(session.id, 1, marks=marks)
    stores.sessions.amend(session.id, 2, changes=[RegisterChange(MORNING, UserId("bo"), closed=True)])
    processes = [notices_of(place.open(), mail) for _ in range(PROCESSES)]
    together = Barrier(PROCESSES)

    def send(notices: Notices) -> int:
        together.wait()
        return len(notices.send())

    with ThreadPoolExecutor(PROCESSES) as pool:
        sent = list(pool.map(send, processes))

    assert sum(sent) == ABSENT
    assert mail.taken == {f"{student}@example.org": 1 for student in students}
    kept = processes[0].records.find(MORNING.date(), MORNING.date())
    assert {notice.student_id for notice in kept} == set(students)
    assert {notice.state for notice in kept} == {NoticeState.SENT}
