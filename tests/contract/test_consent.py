"""Students without a photo, consent given and withdrawn, and what templates learn from sessions."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from muster.domain.anonymisation import students_in
from muster.domain.attendance import MarkSource, MarkStatus
from muster.domain.errors import (
    InvalidRequest,
    NotRegistered,
    PhotoNotFound,
    StudentExists,
    StudentNotFound,
    VersionConflict,
)
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, GroupId, PhotoId, StudentId, UserId
from muster.domain.student import MAX_LEARNED, Consent, StudentState
from tests.contract.examples import (
    NOW,
    a_face,
    a_mark_change,
    a_photo,
    a_row,
    a_session_photo,
    a_student,
    a_template,
    an_enrolled_student,
    assert_same_template,
    enrol,
    learn,
    mark,
    open_session,
    register,
)
from tests.contract.places import Place, Stores

S1 = StudentId("s1")
LATER = NOW + timedelta(days=1)


def versions(stores: Stores, *groups: str) -> list[str]:
    return [stores.students.roster_version(GroupId(group)) for group in groups] + [stores.students.roster_version()]


def learned(stores: Stores, id: str = "s1") -> dict[str, list[float]]:
    """The learned rows by face, in order."""
    template = stores.students.template(StudentId(id))
    rows = template.embeddings[len(template.embeddings) - len(template.learned) :]
    return {face: row.tolist() for face, row in zip(template.learned_ids, rows, strict=True)}


def rows(*faces: str) -> dict[str, list[float]]:
    return {face: a_row(face).tolist() for face in faces}


def test_an_enrolled_student_comes_back_as_stored(place: Place, stores: Stores) -> None:
    student = an_enrolled_student("s1", name="李小龍", groups=["g", "h"])
    stores.students.enrol(student)
    assert stores.students.get(S1) == student
    assert stores.students.get(S1).state is StudentState.ENROLLED
    assert place.open().students.find(GroupId("h")) == [student]


def test_an_enrolled_student_has_neither_template_nor_photo(stores: Stores) -> None:
    enrol(stores, "s1")
    register(stores, "s2")
    with pytest.raises(NotRegistered):
        stores.students.template(S1)
    with pytest.raises(StudentNotFound):
        stores.students.photo(S1)
    assert [template.student_id for template in stores.students.templates(GroupId("g"))] == ["s2"]
    assert [template.student_id for template in stores.students.templates()] == ["s2"]


def test_enrolling_changes_the_rosters(stores: Stores) -> None:
    before = versions(stores, "g", "h")
    enrol(stores, "s1", groups=["g"])
    after = versions(stores, "g", "h")
    assert [old != later for old, later in zip(before, after, strict=True)] == [True, False, True]


def test_a_taken_id_cannot_be_enrolled_and_nothing_changes(stores: Stores) -> None:
    register(stores, "registered")
    enrol(stores, "enrolled")
    before = stores.students.find()
    for id in ("registered", "enrolled"):
        with pytest.raises(StudentExists):
            stores.students.enrol(an_enrolled_student(id, name="Eve", groups=["other"]))
    assert stores.students.find() == before
    assert stores.students.find(GroupId("other")) == []
    assert_same_template(stores.students.template(StudentId("registered")), a_template("registered"))


def test_nobody_is_enrolled_in_too_many_groups(stores: Stores) -> None:
    with pytest.raises(InvalidRequest, match="40 groups"):
        enrol(stores, "s1", groups=[f"c{number}" for number in range(41)])
    assert stores.students.find() == []


def test_an_enrolled_student_is_marked_absent_until_a_person_says_otherwise(stores: Stores) -> None:
    enrol(stores, "s1")
    session = open_session(stores, "s1")
    assert stores.sessions.marks(session) == [mark("s1", MarkStatus.ABSENT, minutes=0)]
    present = mark("s1", MarkStatus.PRESENT, MarkSource.MANUAL)
    stores.sessions.amend(session, 1, marks=[present])
    assert stores.sessions.marks(session) == [present]


def test_an_enrolled_student_is_registered_and_keeps_marks(stores: Stores) -> None:
    enrol(stores, "s1", groups=["g", "left"])
    session = open_session(stores, "s1")
    before = versions(stores, "g", "left", "joined")
    student = replace(a_student("s1", name="Ada King", groups=["g", "joined"]), version=2)
    stores.students.add(student, a_template("s1"), a_photo("s1"))

    assert stores.students.get(S1) == student
    assert stores.students.get(S1).state is StudentState.REGISTERED
    assert_same_template(stores.students.template(S1), a_template("s1"))
    assert stores.students.photo(S1) == a_photo("s1")
    assert stores.students.find() == [student]
    assert stores.students.find(GroupId("joined")) == [student]
    assert stores.students.find(GroupId("left")) == []
    assert all(old != later for old, later in zip(before, versions(stores, "g", "left", "joined"), strict=True))
    assert [m.student_id for m in stores.sessions.marks(session)] == ["s1"]


@pytest.mark.parametrize("version", [1, 3])
def test_a_record_that_changed_meanwhile_is_not_registered_over(stores: Stores, version: int) -> None:
    enrol(stores, "s1")
    with pytest.raises(VersionConflict):
        stores.students.add(replace(a_student("s1", name="Eve"), version=version), a_template("s1"), b"x")
    assert stores.students.get(S1) == an_enrolled_student("s1")
    assert stores.students.templates() == []


def test_an_enrolled_student_can_be_erased(stores: Stores) -> None:
    enrol(stores, "s1")
    session = open_session(stores, "s1")
    stores.students.erase(S1)
    assert stores.students.find() == []
    assert stores.students.find(GroupId("g")) == []
    assert stores.sessions.get(session).erased == {MarkStatus.ABSENT: 1}
    assert stores.students.traces(S1) == []


def test_of_several_registrations_of_one_enrolled_student_one_wins(place: Place, stores: Stores) -> None:
    enrol(stores, "s1")

    def attempt(number: int) -> str:
        student = replace(a_student("s1", name=f"Number {number}"), version=2)
        try:
            place.open().students.add(student, a_template(str(number)), a_photo(str(number)))
        except (StudentExists, VersionConflict):
            return "refused"
        return str(number)

    with ThreadPoolExecutor(4) as pool:
        outcomes = Counter(pool.map(attempt, range(4)))
    assert outcomes["refused"] == 3
    winner = stores.students.get(S1).name.removeprefix("Number ")
    assert outcomes[winner] == 1
    assert stores.students.photo(S1) == a_photo(winner)
    np.testing.assert_array_equal(stores.students.template(S1).embeddings, a_template(winner).embeddings)


def test_a_change_replaces_name_and_groups_and_nothing_else(stores: Stores) -> None:
    register(stores, "s1", "s2", groups=["g", "left"])
    before = versions(stores, "g", "left", "joined", "elsewhere")
    new = replace(a_student("s1", name="Ada King", groups=["g", "joined"]), version=2)
    without_the_rest = replace(new, consent=None, registered_at=None)
    stores.students.update(without_the_rest)

    assert stores.students.get(S1) == new
    assert_same_template(stores.students.template(S1), a_template("s1"))
    assert stores.students.photo(S1) == a_photo("s1")
    assert [s.id for s in stores.students.find(GroupId("left"))] == ["s2"]
    assert stores.students.find(GroupId("joined")) == [new]
    assert [t.student_id for t in stores.students.templates(GroupId("joined"))] == ["s1"]
    after = versions(stores, "g", "left", "joined", "elsewhere")
    assert [old != later for old, later in zip(before, after, strict=True)] == [True, True, True, False, True]


def test_an_enrolled_record_can_be_changed(stores: Stores) -> None:
    enrol(stores, "s1")
    new = replace(an_enrolled_student("s1", name="Ada King", groups=["h"]), version=2)
    stores.students.update(new)
    assert stores.students.get(S1) == new
    assert stores.students.find(GroupId("g")) == []


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_change_of_another_version_is_refused_and_nothing_changes(stores: Stores, version: int) -> None:
    register(stores, "s1")
    second = replace(a_student("s1", name="Second"), version=2)
    stores.students.update(second)
    with pytest.raises(VersionConflict):
        stores.students.update(replace(second, name="Stale", groups=frozenset({GroupId("h")}), version=version))
    assert stores.students.get(S1) == second
    assert stores.students.find(GroupId("h")) == []


def test_nobody_is_changed_under_an_unknown_id_or_into_too_many_groups(stores: Stores) -> None:
    with pytest.raises(StudentNotFound):
        stores.students.update(replace(a_student("s1"), version=2))
    register(stores, "s1")
    many = replace(a_student("s1", groups=[f"c{number}" for number in range(41)]), version=2)
    with pytest.raises(InvalidRequest, match="40 groups"):
        stores.students.update(many)
    assert stores.students.get(S1) == a_student("s1")


def test_of_several_changes_at_once_one_wins(place: Place, stores: Stores) -> None:
    register(stores, "s1")

    def attempt(number: int) -> str:
        student = replace(a_student("s1", name=f"Number {number}", groups=[f"g{number}"]), version=2)
        try:
            place.open().students.update(student)
        except VersionConflict:
            return "refused"
        return str(number)

    with ThreadPoolExecutor(4) as pool:
        outcomes = Counter(pool.map(attempt, range(4)))
    assert outcomes["refused"] == 3
    winner = stores.students.get(S1).name.removeprefix("Number ")
    assert outcomes[winner] == 1
    for number in range(4):
        expected = ["s1"] if str(number) == winner else []
        assert [s.id for s in stores.students.find(GroupId(f"g{number}"))] == expected


def test_withdrawn_consent_removes_what_recognises_and_keeps_the_record(place: Place, stores: Stores) -> None:
    register(stores, "s1", "s2")
    before = versions(stores, "g")
    expected = replace(
        a_student("s1"), consent=Consent(NOW, "2026-1", withdrawn_at=LATER), registered_at=None, version=2
    )
    assert stores.students.withdraw(S1, LATER) == expected
    assert stores.students.get(S1) == expected == place.open().students.get(S1)
    assert expected.state is StudentState.WITHDRAWN
    assert stores.students.find(GroupId("g")) == [expected, a_student("s2")]
    with pytest.raises(NotRegistered):
        stores.students.template(S1)
    with pytest.raises(StudentNotFound):
        stores.students.photo(S1)
    assert [t.student_id for t in stores.students.templates(GroupId("g"))] == ["s2"]
    assert all(old != later for old, later in zip(before, versions(stores, "g"), strict=True))


def test_a_newer_consent_takes_the_place_of_the_earlier_one_and_nothing_else(place: Place, stores: Stores) -> None:
    register(stores, "s1")
    enrol(stores, "enrolled")
    learn(stores, "s1", "f1")
    template, before = stores.students.template(S1), versions(stores, "g")
    newer = Consent(LATER, "2026-2", stated_by=UserId("t1"))
    expected = replace(a_student("s1"), consent=newer, version=2)
    assert stores.students.agree(S1, newer) == expected == place.open().students.get(S1)
    assert expected in stores.students.find(GroupId("g"))
    assert_same_template(stores.students.template(S1), template)
    assert stores.students.photo(S1) == a_photo("s1")
    assert all(old != later for old, later in zip(before, versions(stores, "g"), strict=True))
    stores.students.withdraw(S1, LATER)
    for id in ("s1", "enrolled"):
        unchanged = stores.students.get(StudentId(id))
        with pytest.raises(NotRegistered):
            stores.students.agree(StudentId(id), newer)
        assert stores.students.get(StudentId(id)) == unchanged
    with pytest.raises(StudentNotFound):
        stores.students.agree(StudentId("nobody"), newer)


def test_withdrawn_twice_is_withdrawn_once(stores: Stores) -> None:
    register(stores, "s1")
    once = stores.students.withdraw(S1, LATER)
    before = versions(stores, "g")
    assert stores.students.withdraw(S1, LATER + timedelta(days=1)) == once
    assert stores.students.get(S1) == once
    assert versions(stores, "g") == before


def test_who_never_agreed_has_nothing_to_withdraw(stores: Stores) -> None:
    enrol(stores, "s1")
    assert stores.students.withdraw(S1, LATER) == an_enrolled_student("s1")
    assert stores.students.get(S1) == an_enrolled_student("s1")
    with pytest.raises(StudentNotFound):
        stores.students.withdraw(StudentId("nobody"), LATER)


def test_withdrawn_consent_unnames_faces_and_keeps_marks_and_changes(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    named = a_session_photo(session, a_face("a", candidates=["b"], number=0), id="p1")
    near = a_session_photo(session, a_face("b", candidates=["a"], number=1), id="p2")
    stores.sessions.record_photo(named, b"shows a", [mark("a")])
    stores.sessions.record_photo(near, b"shows b", [mark("b")])
    change = a_mark_change("a", MarkStatus.PRESENT, MarkStatus.LATE)
    late = mark("a", MarkStatus.LATE, MarkSource.MANUAL)
    version = stores.sessions.amend(session, 3, marks=[late], changes=[change]).version

    stores.students.withdraw(StudentId("a"), LATER)

    first, second = stores.sessions.photos(session)
    assert (first.faces[0].decision, first.faces[0].student_id) == (Decision.UNKNOWN, None)
    assert first.faces[0].box == named.faces[0].box
    assert students_in(first.faces + second.faces) == {"b"}
    assert stores.sessions.marks(session) == [late, mark("b")]
    assert stores.sessions.changes(session) == [change]
    assert stores.sessions.get(session).erased == {}
    assert stores.sessions.get(session).version > version
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, PhotoId("p1"))
    assert stores.sessions.original(session, PhotoId("p2")) == b"shows b"


def test_a_photo_read_while_consent_was_withdrawn_names_nobody(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    stores.students.withdraw(StudentId("a"), LATER)
    photo = a_session_photo(session, a_face("a", number=0), a_face("b", candidates=["a"], number=1))
    stores.sessions.record_photo(photo, b"shows a", [mark("b")])
    assert students_in(stores.sessions.photos(session)[0].faces) == {"b"}
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, PhotoId("p1"))


def test_who_withdrew_can_be_marked_but_not_named(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session, a_face(None)), b"o", [])
    stores.students.withdraw(StudentId("a"), LATER)
    late = mark("a", MarkStatus.LATE, MarkSource.MANUAL)
    change = a_mark_change("a", MarkStatus.ABSENT, MarkStatus.LATE)
    version = stores.sessions.get(session).version
    stores.sessions.amend(session, version, marks=[late], faces=[a_face("a")], changes=[change])
    assert stores.sessions.marks(session) == [late]
    assert stores.sessions.changes(session) == [change]
    assert students_in(stores.sessions.photos(session)[0].faces) == set()


def test_who_withdrew_can_agree_again(stores: Stores) -> None:
    register(stores, "s1")
    session = open_session(stores, "s1")
    stores.students.withdraw(S1, LATER)
    again = replace(
        a_student("s1"), consent=Consent(LATER, "2026-2"), registered_at=LATER + timedelta(hours=1), version=3
    )
    stores.students.add(again, replace(a_template("new"), student_id=S1), b"new photo")
    assert stores.students.get(S1) == again
    assert stores.students.photo(S1) == b"new photo"
    np.testing.assert_array_equal(stores.students.template(S1).embeddings, a_template("new").embeddings)
    assert [m.student_id for m in stores.sessions.marks(session)] == ["s1"]
    assert stores.students.withdraw(S1, LATER + timedelta(days=9)).version == 4
    assert stores.students.templates() == []


def test_who_withdrew_can_be_changed_and_erased(stores: Stores) -> None:
    register(stores, "s1")
    withdrawn = stores.students.withdraw(S1, LATER)
    renamed = replace(withdrawn, name="Ada King", version=3)
    stores.students.update(renamed)
    assert stores.students.get(S1) == renamed
    stores.students.erase(S1)
    assert stores.students.find() == []
    assert stores.students.traces(S1) == []


def test_withdrawal_during_a_roll_call_leaves_no_name(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")

    def record(number: int) -> None:
        photo = a_session_photo(session, a_face("a", candidates=["b"], number=number), id=f"p{number}")
        stores.sessions.record_photo(photo, b"shows a", [])

    with ThreadPoolExecutor(4) as pool:
        recordings = [pool.submit(record, number) for number in range(8)]
        stores.students.withdraw(StudentId("a"), LATER)
        for recording in recordings:
            recording.result()
    photos = stores.sessions.photos(session)
    assert len(photos) == 8
    for photo in photos:
        assert students_in(photo.faces) <= {"b"}
        with pytest.raises(PhotoNotFound):
            stores.sessions.original(session, photo.id)


def test_a_template_learns_rows_after_its_views(place: Place, stores: Stores) -> None:
    register(stores, "s1", "s2")
    student = stores.students.get(S1)
    before = versions(stores, "g", "h")
    assert learn(stores, "s1", "f1")
    assert learn(stores, "s1", "f2")

    template = place.open().students.template(S1)
    assert template.learned_ids == ("f1", "f2")
    expected = np.concatenate([a_template("s1").embeddings, a_row("f1")[None], a_row("f2")[None]])
    np.testing.assert_array_equal(template.embeddings, expected)
    assert template.embeddings.dtype == np.float32
    assert_same_template(stores.students.templates(GroupId("g"))[0], template)
    assert_same_template(stores.students.template(StudentId("s2")), a_template("s2"))
    assert stores.students.get(S1) == student
    assert stores.students.photo(S1) == a_photo("s1")
    after = versions(stores, "g", "h")
    assert [old != later for old, later in zip(before, after, strict=True)] == [True, False, True]


def test_a_face_learned_again_takes_the_place_of_its_old_row(stores: Stores) -> None:
    register(stores, "s1")
    for face, row in (("f1", "old"), ("f2", "f2"), ("f1", "f1")):
        learn(stores, "s1", face, a_row(row))
    assert learned(stores) == rows("f1", "f2")


def test_past_the_limit_an_older_learned_row_goes_with_its_provenance(stores: Stores) -> None:
    register(stores, "s1")
    faces = [f"f{number}" for number in range(MAX_LEARNED + 2)]
    for face in faces:
        learn(stores, "s1", face)
    kept = list(learned(stores))
    assert len(kept) == MAX_LEARNED
    assert kept == [face for face in faces if face in kept]
    assert kept[-3:] == faces[-3:], "the newest stay"
    assert learned(stores) == rows(*kept)
    views = stores.students.template(S1).embeddings[:-MAX_LEARNED]
    np.testing.assert_array_equal(views, a_template("s1").embeddings)


def test_what_was_learned_can_be_unlearned(stores: Stores) -> None:
    register(stores, "s1")
    for face in ("f1", "f2", "f3"):
        learn(stores, "s1", face)
    before = versions(stores, "g")
    assert stores.students.unlearn(S1, FaceId("f2"))
    assert learned(stores) == rows("f1", "f3")
    assert all(old != later for old, later in zip(before, versions(stores, "g"), strict=True))

    before = versions(stores, "g")
    assert not stores.students.unlearn(S1, FaceId("f2"))
    assert versions(stores, "g") == before
    assert stores.students.unlearn(S1, FaceId("f1"))
    assert stores.students.unlearn(S1, FaceId("f3"))
    assert_same_template(stores.students.template(S1), a_template("s1"))


def test_only_who_is_registered_learns(stores: Stores) -> None:
    enrol(stores, "enrolled")
    register(stores, "withdrew")
    stores.students.withdraw(StudentId("withdrew"), LATER)
    for id in ("enrolled", "withdrew"):
        assert not learn(stores, id, "f")
        assert not stores.students.unlearn(StudentId(id), FaceId("f"))
    assert not learn(stores, "s1", "f")
    assert not stores.students.unlearn(S1, FaceId("f"))
    assert stores.students.templates() == []


@pytest.mark.parametrize("end", ["withdraw", "erase"])
def test_what_was_learned_goes_with_the_template(stores: Stores, end: str) -> None:
    register(stores, "s1")
    learn(stores, "s1", "f1")
    if end == "withdraw":
        stores.students.withdraw(S1, LATER)
        stores.students.add(replace(a_student("s1"), version=3), a_template("s1"), b"x")
    else:
        stores.students.erase(S1)
        register(stores, "s1")
    assert_same_template(stores.students.template(S1), a_template("s1"))


def test_rows_learned_at_once_are_all_there(stores: Stores) -> None:
    register(stores, "s1")
    faces = [f"f{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda face: learn(stores, "s1", face), faces))
    assert learned(stores) == rows(*faces)


def test_learning_beside_a_withdrawal_leaves_no_template(stores: Stores) -> None:
    register(stores, "s1")

    def learn_one(number: int) -> None:
        learn(stores, "s1", f"f{number}")

    with ThreadPoolExecutor(4) as pool:
        learning = [pool.submit(learn_one, number) for number in range(6)]
        stores.students.withdraw(S1, LATER)
        for task in learning:
            task.result()
    assert stores.students.templates() == []
    with pytest.raises(NotRegistered):
        stores.students.template(S1)


def test_who_stated_a_consent_and_which_withdrawal_it_renews_come_back(place: Place, stores: Stores) -> None:
    consent = Consent(LATER, "2026-1", stated_by=UserId("t1"), renewed_after=NOW)
    stores.students.add(replace(a_student("s1"), consent=consent), a_template("s1"), a_photo("s1"))
    assert place.open().students.get(S1).consent == consent
    withdrawn = stores.students.withdraw(S1, LATER)
    assert withdrawn.consent == replace(consent, withdrawn_at=LATER)
    assert stores.students.get(S1) == withdrawn


def test_a_record_is_replaced_only_if_it_is_the_one_that_was_read(stores: Stores) -> None:
    read = an_enrolled_student("s1", groups=["g"])
    other = an_enrolled_student("s1", name="Eve", groups=["h"])
    stores.students.enrol(other)
    registered = replace(a_student("s1"), version=2)
    with pytest.raises(VersionConflict):
        stores.students.add(registered, a_template("s1"), a_photo("s1"), replaces=read)
    assert stores.students.get(S1) == other
    stores.students.add(registered, a_template("s1"), a_photo("s1"), replaces=other)
    assert stores.students.get(S1) == registered
