"""A search of the whole store finds every stored student, and none who was erased."""

import pytest

from muster.domain.attendance import MarkSource, MarkStatus
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.storage.ports import StoredResponse
from tests.contract.examples import (
    NOW,
    PACK,
    a_face,
    a_face_change,
    a_mark_change,
    a_session,
    a_session_photo,
    enrol,
    learn,
    mark,
    register,
)
from tests.contract.places import Place, Stores


def fill(stores: Stores, id: str) -> None:
    """Mention a student wherever one can be mentioned, beside another."""
    register(stores, id, "other")
    learn(stores, id, "f")
    for number, named in enumerate([id, "other"]):
        session = SessionId(f"session-{number}")
        stores.sessions.create(a_session(session), [StudentId(id), StudentId("other")])
        photo = a_session_photo(session, a_face(named, candidates=[id, "other"]))
        stores.sessions.record_photo(photo, b"o", [mark(id)])
        stores.sessions.amend(
            session,
            2,
            marks=[mark(id, MarkStatus.LATE, MarkSource.MANUAL)],
            changes=[a_mark_change(id, MarkStatus.PRESENT, MarkStatus.LATE), a_face_change("other", id)],
        )


def test_who_is_registered_is_found(stores: Stores) -> None:
    fill(stores, "s1")
    found = " ".join(stores.students.traces(StudentId("s1"))).lower()
    for kind in ("student", "mark", "photo", "change"):
        assert kind in found
    assert stores.students.traces(StudentId("s")) == []
    assert stores.students.traces(StudentId("s11")) == []


def test_who_is_only_enrolled_is_found(stores: Stores) -> None:
    enrol(stores, "s1")
    assert stores.students.traces(StudentId("s1"))


# Ids that other things are called too, which the search must tell from a student.
@pytest.mark.parametrize("id", ["s1", "1", "g", "2026.1", "present", "absent", "session-0", "embedded", "teacher"])
def test_an_erased_student_is_not_found_anywhere(place: Place, stores: Stores, id: str) -> None:
    stores.groups.add(Group(GroupId("g"), "Group 1", frozenset({UserId("teacher")})))
    fill(stores, id)
    stores.students.erase(StudentId(id))
    assert stores.students.traces(StudentId(id)) == []
    assert place.open().students.traces(StudentId(id)) == []
    assert stores.students.traces(StudentId("other"))


def test_a_kept_answer_is_searched(stores: Stores) -> None:
    stores.idempotency.begin("key", "digest", "c", NOW)
    stores.idempotency.finish("key", "c", StoredResponse(201, "application/json", b'{"student_id":"s1"}'), NOW)
    assert stores.students.traces(StudentId("s1"))
    stores.idempotency.clear()
    assert stores.students.traces(StudentId("s1")) == []


def test_what_a_report_of_training_says_is_searched(stores: Stores) -> None:
    stores.training.begin("run", NOW, 60)
    stores.training.finish("run", {"worst": ["s1"]})
    assert stores.students.traces(StudentId("s1"))
    stores.heads.save(PACK, b"head", {"worst": ["s2"]})
    assert stores.students.traces(StudentId("s2"))
    stores.heads.delete_all()
    assert stores.students.traces(StudentId("s2")) == []
