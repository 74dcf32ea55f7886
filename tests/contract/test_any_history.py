"""Whatever is done in whatever order, a store agrees with a model of a few dictionaries."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
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

from muster.domain.attendance import FaceChange, Mark, MarkSource, MarkStatus, Session
from muster.domain.errors import (
    PhotoNotFound,
    SessionExists,
    StudentExists,
    StudentNotFound,
    VersionConflict,
)
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId
from muster.domain.student import Student, StudentState
from tests.contract.examples import (
    NOW,
    a_face,
    a_face_change,
    a_photo,
    a_row,
    a_session,
    a_session_photo,
    a_student,
    a_template,
    an_enrolled_student,
    learn,
    mark,
)
from tests.contract.places import AwsPlace, LocalPlace, Place

OpenPlace = Callable[[], AbstractContextManager[Place]]

IDS = st.sampled_from(["1", "01", "a", "A", "a.b", "a-b", "a_b", "zz"])
GROUPS = st.sets(st.sampled_from(["g", "G", "g1"]), min_size=1)
SESSIONS = st.sampled_from(["mon", "tue"])
PHOTOS = st.sampled_from(["1", "2"])
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


SOURCES = [MarkSource.PHOTO, MarkSource.MANUAL]


class History(RuleBasedStateMachine):
    open_place: OpenPlace

    @initialize()
    def begin(self) -> None:
        self.context = self.open_place()
        self.place = self.context.__enter__()
        self.stores = self.place.open()
        self.students: dict[str, Student] = {}
        self.learned: dict[str, list[str]] = {}
        self.sessions: dict[str, Session] = {}
        self.marks: dict[str, dict[str, Mark]] = {}
        self.named: dict[tuple[str, str], str | None] = {}
        self.with_files: set[tuple[str, str]] = set()
        self.changes: dict[str, list[FaceChange]] = {}

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)

    @rule(id=IDS, groups=GROUPS, name=NAMES)
    def add(self, id: str, groups: set[str], name: str) -> None:
        old = self.students.get(id)
        student = replace(a_student(id, name=name, groups=groups), version=old.version + 1 if old else 1)
        before = self.stores.students.roster_version()
        if old is not None and old.registered_at is not None:
            with pytest.raises(StudentExists):
                self.stores.students.add(student, a_template(id), a_photo(id))
            return
        self.stores.students.add(student, a_template(id), a_photo(id))
        self.students[id] = student
        self.learned[id] = []
        assert self.stores.students.roster_version() != before

    @rule(id=IDS, groups=GROUPS, name=NAMES)
    def enrol(self, id: str, groups: set[str], name: str) -> None:
        student = an_enrolled_student(id, name=name, groups=groups)
        if id in self.students:
            with pytest.raises(StudentExists):
                self.stores.students.enrol(student)
            return
        self.stores.students.enrol(student)
        self.students[id] = student

    @rule(id=IDS, groups=GROUPS, name=NAMES, stale=st.booleans())
    def update(self, id: str, groups: set[str], name: str, stale: bool) -> None:
        old = self.students.get(id, a_student(id))
        new = replace(old, name=name, groups=frozenset(map(GroupId, groups)), version=old.version + 1)
        if id not in self.students:
            with pytest.raises(StudentNotFound):
                self.stores.students.update(new)
        elif stale:
            with pytest.raises(VersionConflict):
                self.stores.students.update(replace(new, version=old.version))
        else:
            self.stores.students.update(new)
            self.students[id] = new

    @rule(id=IDS)
    def withdraw(self, id: str) -> None:
        old = self.students.get(id)
        if old is None:
            with pytest.raises(StudentNotFound):
                self.stores.students.withdraw(StudentId(id), NOW)
            return
        if old.registered_at is not None:
            assert old.consent is not None
            consent = replace(old.consent, withdrawn_at=NOW)
            self.students[id] = replace(old, consent=consent, registered_at=None, version=old.version + 1)
            del self.learned[id]
            self._unname(id)
        assert self.stores.students.withdraw(StudentId(id), NOW) == self.students[id]

    @rule(id=IDS)
    def erase(self, id: str) -> None:
        if id not in self.students:
            with pytest.raises(StudentNotFound):
                self.stores.students.erase(StudentId(id))
            return
        self.stores.students.erase(StudentId(id))
        del self.students[id]
        self.learned.pop(id, None)
        self._unname(id)
        for session, marks in self.marks.items():
            if id in marks:
                # Nobody can answer the open question of an erased student.
                gone = [status for status in [marks.pop(id).status] if status is not MarkStatus.REVIEW]
                erased = Counter(self.sessions[session].erased) + Counter(gone)
                self.sessions[session] = replace(self.sessions[session], erased=dict(erased))
        self.changes = {session: [without(change, id) for change in made] for session, made in self.changes.items()}
        assert self.stores.students.traces(StudentId(id)) == []

    @rule(id=IDS, face=st.sampled_from(["f1", "f2", "f3", "f4", "f5"]))
    def learn(self, id: str, face: str) -> None:
        assert learn(self.stores, id, face) == (id in self.learned)
        if id in self.learned:
            self.learned[id] = [*(known for known in self.learned[id] if known != face), face]

    @rule(id=IDS, face=st.sampled_from(["f1", "f2", "f3", "f4", "f5", "f6"]))
    def unlearn(self, id: str, face: str) -> None:
        known = self.learned.get(id, [])
        assert self.stores.students.unlearn(StudentId(id), FaceId(face)) == (face in known)
        if face in known:
            known.remove(face)

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
        self.changes[id] = []

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def remove_session(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.sessions)))
        self.stores.sessions.remove(SessionId(id))
        del self.sessions[id], self.marks[id], self.changes[id]
        self.named = {key: named for key, named in self.named.items() if key[0] != id}
        self.with_files = {key for key in self.with_files if key[0] != id}

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), photo=PHOTOS, student=IDS, status=st.sampled_from(MarkStatus),
          source=st.sampled_from(SOURCES), minutes=st.integers(1, 5))  # fmt: skip
    def record(
        self, data: st.DataObject, photo: str, student: str, status: MarkStatus, source: MarkSource, minutes: int
    ) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        if self._corrected(session, photo):
            return  # What a person decided stays: tested by itself.
        new = mark(student, status, source, minutes)
        self.stores.sessions.record_photo(
            a_session_photo(SessionId(session), a_face(student, number=int(photo)), id=photo),
            photo.encode(),
            [new],
        )
        self.named[session, photo] = student if self._nameable(student) else None
        self.with_files.discard((session, photo))
        if self._nameable(student):
            self.with_files.add((session, photo))
        if student not in self.students:
            return
        old = self.marks[session].get(student)
        by_photo_over_person = old and old.source is MarkSource.MANUAL and source is MarkSource.PHOTO
        same = old and (old.status, old.source) == (status, source)
        shown = [MarkStatus.PRESENT, MarkStatus.REVIEW, MarkStatus.ABSENT]
        weaker = old and {old.status, status} <= set(shown) and shown.index(old.status) < shown.index(status)
        unseen = source is MarkSource.PHOTO and weaker
        if not (by_photo_over_person or same or unseen):
            self.marks[session][student] = new

    @precondition(lambda self: self.named)
    @rule(data=st.data(), student=IDS, status=st.sampled_from(MarkStatus), source=st.sampled_from(SOURCES),
          stale=st.booleans())  # fmt: skip
    def amend(self, data: st.DataObject, student: str, status: MarkStatus, source: MarkSource, stale: bool) -> None:
        session, photo = data.draw(st.sampled_from(sorted(self.named)))
        version = self.stores.sessions.get(SessionId(session)).version
        new = mark(student, status, source)
        change = a_face_change(self.named[session, photo], student, number=int(photo))
        what: dict[str, Any] = {"marks": [new], "faces": [a_face(student, number=int(photo))], "changes": [change]}
        if stale:
            with pytest.raises(VersionConflict):
                self.stores.sessions.amend(SessionId(session), version - 1, **what)
            return
        amended = self.stores.sessions.amend(SessionId(session), version, **what)
        assert amended.version == version + 1
        self.named[session, photo] = student if self._nameable(student) else None
        self.changes[session].append(change if student in self.students else without(change, student))
        if student in self.students:
            self.marks[session][student] = new

    @precondition(lambda self: self.named)
    @rule(data=st.data())
    def remove_photo(self, data: st.DataObject) -> None:
        session, photo = data.draw(st.sampled_from(sorted(self.named)))
        version = self.stores.sessions.get(SessionId(session)).version
        self.stores.sessions.amend(SessionId(session), version, photo_removed=PhotoId(photo))
        del self.named[session, photo]
        self.with_files.discard((session, photo))

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def drop_files(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        kept = {key for key in self.with_files if key[0] != session}
        dropped = self.stores.sessions.drop_files(SessionId(session), NOW + timedelta(days=1))
        assert dropped == len(self.with_files - kept)
        self.with_files = kept

    @rule()
    def open_again(self) -> None:
        self.stores = self.place.open()

    @invariant()
    def students_agree(self) -> None:
        if not hasattr(self, "stores"):
            return
        assert self.stores.students.find() == [self.students[id] for id in sorted(self.students)]
        for group in ("g", "G", "g1"):
            expected = sorted(id for id in self.learned if group in self.students[id].groups)
            templates = self.stores.students.templates(GroupId(group))
            assert [template.student_id for template in templates] == expected
            for template in templates:
                learned = self.learned[template.student_id]
                assert list(template.learned_ids) == learned
                rows = [*a_template(template.student_id).embeddings, *(a_row(face) for face in learned)]
                np.testing.assert_array_equal(template.embeddings, np.stack(rows))
        for id in self.learned:
            assert self.stores.students.photo(StudentId(id)) == a_photo(id)

    @invariant()
    def sessions_agree(self) -> None:
        if not hasattr(self, "stores"):
            return
        for id, marks in self.marks.items():
            session = self.stores.sessions.get(SessionId(id))
            assert replace(session, version=1) == self.sessions[id]
            assert self.stores.sessions.marks(SessionId(id)) == [marks[student] for student in sorted(marks)]
            assert self.stores.sessions.changes(SessionId(id)) == self.changes[id]
            photos = {photo.id: photo for photo in self.stores.sessions.photos(SessionId(id))}
            assert set(photos) == {photo for session_id, photo in self.named if session_id == id}
            for photo_id, photo in photos.items():
                assert photo.faces[0].student_id == self.named[id, photo_id]
                assert self._has_files(id, photo_id) == ((id, photo_id) in self.with_files)
        for group in ("g", "G"):
            for call in self.stores.sessions.roll_calls(GroupId(group)):
                assert list(call.marks) == self.stores.sessions.marks(call.session.id)

    def _has_files(self, session: str, photo: str) -> bool:
        try:
            return self.stores.sessions.original(SessionId(session), PhotoId(photo)) == photo.encode()
        except PhotoNotFound:
            return False

    def _nameable(self, id: str) -> bool:
        return id in self.students and self.students[id].state is not StudentState.WITHDRAWN

    def _corrected(self, session: str, photo: str) -> list[FaceChange]:
        return [change for change in self.changes[session] if change.face_id == f"face-{int(photo)}"]

    def _unname(self, id: str) -> None:
        for (session, photo), named in self.named.items():
            corrections = self._corrected(session, photo)
            if named == id or any(id in (change.before[1], change.after[1]) for change in corrections):
                self.with_files.discard((session, photo))
        self.named = {key: None if named == id else named for key, named in self.named.items()}


def without(change: FaceChange, id: str) -> FaceChange:
    (before, old), (after, new) = change.before, change.after
    return replace(change, before=(before, None if old == id else old), after=(after, None if new == id else new))


@contextmanager
def local_place() -> Iterator[Place]:
    with TemporaryDirectory() as directory:
        yield LocalPlace(Path(directory) / "store")


@pytest.mark.large
@pytest.mark.parametrize("kind", ["local", pytest.param("aws", marks=pytest.mark.aws)])
def test_any_history_agrees_with_the_model(kind: str, request: pytest.FixtureRequest) -> None:
    @contextmanager
    def aws_place() -> Iterator[Place]:
        yield AwsPlace.new(request.getfixturevalue("aws_endpoint"))

    History.open_place = staticmethod({"local": local_place, "aws": aws_place}[kind])
    run_state_machine_as_test(
        History,
        settings=settings(
            # A step takes ten times as long in the simulation.
            max_examples={"local": 25, "aws": 8}[kind],
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
