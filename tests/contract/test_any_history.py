"""Whatever is done in whatever order, a store agrees with a model of a few dictionaries."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session
from muster.domain.errors import SessionExists, StudentExists, StudentNotFound
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.student import Student
from tests.contract.examples import a_face, a_photo, a_session, a_session_photo, a_student, a_template, mark
from tests.contract.places import AwsPlace, LocalPlace, Place

OpenPlace = Callable[[], AbstractContextManager[Place]]

IDS = st.sampled_from(["1", "01", "a", "A", "a.b", "a-b", "a_b", "zz"])
GROUPS = st.sets(st.sampled_from(["g", "G", "g1"]), min_size=1)
SESSIONS = st.sampled_from(["mon", "tue"])
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


class History(RuleBasedStateMachine):
    open_place: OpenPlace

    @initialize()
    def begin(self) -> None:
        self.context = self.open_place()
        self.place = self.context.__enter__()
        self.stores = self.place.open()
        self.students: dict[str, Student] = {}
        self.sessions: dict[str, Session] = {}
        self.marks: dict[str, dict[str, Mark]] = {}
        self.named: dict[tuple[str, str], str | None] = {}

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)

    @rule(id=IDS, groups=GROUPS, name=NAMES)
    def add(self, id: str, groups: set[str], name: str) -> None:
        student = a_student(id, name=name, groups=groups)
        before = self.stores.students.roster_version()
        if id in self.students:
            with pytest.raises(StudentExists):
                self.stores.students.add(student, a_template(id), a_photo(id))
            return
        self.stores.students.add(student, a_template(id), a_photo(id))
        self.students[id] = student
        assert self.stores.students.roster_version() != before

    @rule(id=IDS)
    def erase(self, id: str) -> None:
        if id not in self.students:
            with pytest.raises(StudentNotFound):
                self.stores.students.erase(StudentId(id))
            return
        self.stores.students.erase(StudentId(id))
        del self.students[id]
        for marks in self.marks.values():
            marks.pop(id, None)
        self.named = {key: None if named == id else named for key, named in self.named.items()}

    @rule(id=SESSIONS, group=st.sampled_from(["g", "G"]))
    def open_session(self, id: str, group: str) -> None:
        roster = sorted(student for student, record in self.students.items() if group in record.groups)
        session = a_session(id, group)
        if id in self.sessions:
            with pytest.raises(SessionExists):
                self.stores.sessions.create(session, [StudentId(student) for student in roster])
            return
        self.stores.sessions.create(session, [StudentId(student) for student in roster])
        self.sessions[id] = session
        self.marks[id] = {student: mark(student, MarkStatus.ABSENT, minutes=0) for student in roster}

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), photo=st.sampled_from(["p1", "p2"]), student=IDS, status=st.sampled_from(MarkStatus),
          source=st.sampled_from(MarkSource), minutes=st.integers(1, 5))  # fmt: skip
    def record(
        self, data: st.DataObject, photo: str, student: str, status: MarkStatus, source: MarkSource, minutes: int
    ) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        new = mark(student, status, source, minutes)
        self.stores.sessions.record_photo(
            a_session_photo(SessionId(session), a_face(student), id=photo), b"o", photo.encode(), [new]
        )
        self.named[session, photo] = student if student in self.students else None
        if student not in self.students:
            return
        old = self.marks[session].get(student)
        by_photo_over_person = old and old.source is MarkSource.MANUAL and source is MarkSource.PHOTO
        same = old and (old.status, old.source) == (status, source)
        unseen = old and source is MarkSource.PHOTO and (old.status, status) == (MarkStatus.PRESENT, MarkStatus.ABSENT)
        if not (by_photo_over_person or same or unseen):
            self.marks[session][student] = new

    @rule()
    def open_again(self) -> None:
        self.stores = self.place.open()

    @invariant()
    def students_agree(self) -> None:
        if not hasattr(self, "stores"):
            return
        assert self.stores.students.find() == [self.students[id] for id in sorted(self.students)]
        for group in ("g", "G", "g1"):
            expected = sorted(id for id, student in self.students.items() if group in student.groups)
            assert [template.student_id for template in self.stores.students.templates(GroupId(group))] == expected
        for id in self.students:
            assert self.stores.students.photo(StudentId(id)) == a_photo(id)

    @invariant()
    def sessions_agree(self) -> None:
        if not hasattr(self, "stores"):
            return
        for id, marks in self.marks.items():
            assert self.stores.sessions.marks(SessionId(id)) == [marks[student] for student in sorted(marks)]
            photos = {photo.id: photo for photo in self.stores.sessions.photos(SessionId(id))}
            assert set(photos) == {photo for session, photo in self.named if session == id}
            for (session, photo), named in self.named.items():
                if session == id:
                    assert photos[photo].faces[0].student_id == named  # type: ignore[index]


@contextmanager
def local_place() -> Iterator[Place]:
    with TemporaryDirectory() as directory:
        yield LocalPlace(Path(directory) / "store")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["local", "aws"])
def test_any_history_agrees_with_the_model(kind: str, request: pytest.FixtureRequest) -> None:
    @contextmanager
    def aws_place() -> Iterator[Place]:
        yield AwsPlace.new(request.getfixturevalue("aws_endpoint"))

    History.open_place = staticmethod({"local": local_place, "aws": aws_place}[kind])
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
