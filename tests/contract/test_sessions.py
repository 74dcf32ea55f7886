"""The contract of every store of sessions."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from muster.domain.anonymisation import students_in
from muster.domain.attendance import MarkSource, MarkStatus, RollCall
from muster.domain.errors import PhotoNotFound, SessionExists, SessionNotFound
from muster.domain.faces import Decision
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId
from tests.contract.examples import (
    NOW,
    a_face,
    a_mark_change,
    a_session,
    a_session_photo,
    mark,
    open_session,
    register,
)
from tests.contract.places import Place, Stores

P1 = PhotoId("p1")


def statuses(stores: Stores, session: SessionId) -> dict[str, tuple[str, str]]:
    return {m.student_id: (m.status.value, m.source.value) for m in stores.sessions.marks(session)}


def test_a_session_opens_with_everyone_absent(stores: Stores) -> None:
    register(stores, "b", "a")
    session = open_session(stores, "b", "a")
    assert stores.sessions.get(session) == a_session()
    assert stores.sessions.marks(session) == [
        mark("a", MarkStatus.ABSENT, minutes=0),
        mark("b", MarkStatus.ABSENT, minutes=0),
    ]
    assert stores.sessions.photos(session) == []


def test_a_taken_session_id_is_refused_and_nothing_changes(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session), b"o", [mark("a")])
    before = stores.sessions.get(session)
    with pytest.raises(SessionExists):
        stores.sessions.create(a_session(group="other"), [StudentId("a"), StudentId("b")])
    assert stores.sessions.get(session) == before
    assert statuses(stores, session) == {"a": ("present", "photo")}


def test_sessions_of_a_group_come_oldest_first(stores: Stores) -> None:
    for id, minutes in (("late", 60), ("early", 0), ("b", 30), ("a", 30)):
        stores.sessions.create(a_session(id, minutes=minutes), [])
    stores.sessions.create(a_session("elsewhere", group="g2"), [])
    assert [s.id for s in stores.sessions.of_group(GroupId("g"))] == ["early", "a", "b", "late"]
    assert stores.sessions.of_group(GroupId("nobody")) == []


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, ["early", "a", "b", "late"]),
        (at(30), None, ["a", "b", "late"]),
        (None, at(30), ["early"]),
        (at(0), at(60), ["early", "a", "b"]),
        (at(30), at(30), []),
        (at(60), at(0), []),
        (at(30) + timedelta(microseconds=1), at(60) + timedelta(microseconds=1), ["late"]),
        (at(30).astimezone(timezone(timedelta(hours=5, minutes=30))), None, ["a", "b", "late"]),
        (at(-99999), at(99999), ["early", "a", "b", "late"]),
    ],
)
def test_sessions_of_a_period_begin_with_it_and_end_before(
    stores: Stores, since: datetime | None, until: datetime | None, expected: list[str]
) -> None:
    register(stores, "s2", "s1")
    for id, minutes in (("late", 60), ("early", 0), ("b", 30), ("a", 30)):
        stores.sessions.create(a_session(id, minutes=minutes), [StudentId("s2"), StudentId("s1")])
    stores.sessions.create(a_session("elsewhere", group="g2", minutes=30), [StudentId("s1")])
    sessions = stores.sessions.of_group(GroupId("g"), since, until)
    assert [session.id for session in sessions] == expected
    calls = stores.sessions.roll_calls(GroupId("g"), since, until)
    assert [call.session for call in calls] == sessions
    for call in calls:
        assert list(call.marks) == stores.sessions.marks(call.session.id)
        assert [m.student_id for m in call.marks] == ["s1", "s2"]


def test_roll_calls_hold_sessions_without_marks_too(stores: Stores) -> None:
    session = open_session(stores)
    assert stores.sessions.roll_calls(GroupId("g")) == [RollCall(stores.sessions.get(session), ())]
    assert stores.sessions.roll_calls(GroupId("nobody")) == []


def test_a_removed_session_is_gone_with_all_that_belonged_to_it(place: Place, stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    other = open_session(stores, "a", id="tuesday")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"o", [mark("a")])
    stores.sessions.record_photo(a_session_photo(other, a_face("a")), b"other", [mark("a")])
    stores.sessions.amend(session, 2, changes=[a_mark_change("a", MarkStatus.PRESENT, MarkStatus.LATE)])

    stores.sessions.remove(session)

    for opened in (stores, place.open()):
        sessions = opened.sessions
        for method in (sessions.get, sessions.marks, sessions.photos, sessions.changes, sessions.remove):
            with pytest.raises(SessionNotFound):
                method(session)
        with pytest.raises(PhotoNotFound):
            sessions.original(session, P1)
        assert [s.id for s in sessions.of_group(GroupId("g"))] == ["tuesday"]
        assert [call.session.id for call in sessions.roll_calls(GroupId("g"))] == ["tuesday"]
        assert sessions.original(other, P1) == b"other"

    stores.sessions.create(a_session(minutes=5), [])
    assert stores.sessions.get(session) == a_session(minutes=5)
    assert stores.sessions.marks(session) == []
    assert stores.sessions.photos(session) == []
    assert stores.sessions.changes(session) == []


def test_a_session_is_removed_though_its_students_are_gone(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"o", [mark("a")])
    stores.students.erase(StudentId("a"))
    stores.sessions.remove(session)
    assert stores.sessions.of_group(GroupId("g")) == []


def test_photos_received_before_a_moment_lose_their_files_alone(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    other = open_session(stores, id="tuesday")
    for id, minutes in (("p1", 1), ("p2", 2), ("p3", 3)):
        photo = a_session_photo(session, a_face("a"), id=id, minutes=minutes)
        stores.sessions.record_photo(photo, id.encode(), [mark("a")])
    stores.sessions.record_photo(a_session_photo(other), b"other", [])
    before = stores.sessions.get(session), stores.sessions.photos(session), stores.sessions.marks(session)

    assert stores.sessions.drop_files(session, at(3)) == 2
    assert stores.sessions.drop_files(session, at(3)) == 0

    for id in ("p1", "p2"):
        with pytest.raises(PhotoNotFound):
            stores.sessions.original(session, PhotoId(id))
    assert stores.sessions.original(session, PhotoId("p3")) == b"p3"
    assert stores.sessions.original(other, P1) == b"other"
    assert (stores.sessions.get(session), stores.sessions.photos(session), stores.sessions.marks(session)) == before
    assert stores.sessions.drop_files(SessionId("nowhere"), at(3)) == 0


def test_a_photo_sent_again_has_its_files_again(stores: Stores) -> None:
    session = open_session(stores)
    stores.sessions.record_photo(a_session_photo(session), b"o", [])
    stores.sessions.drop_files(session, at(9))
    stores.sessions.record_photo(a_session_photo(session), b"o", [])
    assert stores.sessions.original(session, P1) == b"o"


def test_an_unknown_session_is_not_found_by_any_method(stores: Stores) -> None:
    nowhere = SessionId("nowhere")
    for method in (stores.sessions.get, stores.sessions.photos, stores.sessions.marks, stores.sessions.remove):
        with pytest.raises(SessionNotFound):
            method(nowhere)
    with pytest.raises(SessionNotFound):
        stores.sessions.record_photo(a_session_photo(nowhere), b"o", [])
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(nowhere, P1)


def test_a_photo_comes_back_as_stored(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    photo = a_session_photo(
        session, a_face("a", candidates=["b"], number=0), a_face(None, number=1), a_face(None, candidates=["b"])
    )
    stores.sessions.record_photo(photo, b"\xff\xd8original", [mark("a")])
    assert stores.sessions.photos(session) == [photo]
    assert stores.sessions.original(session, P1) == b"\xff\xd8original"
    assert stores.sessions.marks(session) == [mark("a"), mark("b", MarkStatus.ABSENT, minutes=0)]


def test_a_photo_may_hold_no_face_and_no_head(stores: Stores) -> None:
    session = open_session(stores)
    photo = a_session_photo(session, head=None)
    stores.sessions.record_photo(photo, b"o", [])
    assert stores.sessions.photos(session) == [photo]


@pytest.mark.large
def test_a_photo_of_two_hundred_faces_is_stored_whole(stores: Stores) -> None:
    ids = [f"s{number:03}" for number in range(200)]
    register(stores, *ids)
    session = open_session(stores, *ids)
    faces = [a_face(id, candidates=ids[:3], number=number) for number, id in enumerate(ids)]
    stores.sessions.record_photo(a_session_photo(session, *faces), b"o", [mark(id) for id in ids])
    assert len(stores.sessions.photos(session)[0].faces) == 200
    assert set(statuses(stores, session).values()) == {("present", "photo")}
    assert len(stores.sessions.marks(session)) == 200


def test_photos_come_in_the_order_received(stores: Stores) -> None:
    session = open_session(stores)
    for id, minutes in (("p3", 3), ("p1", 1), ("p2b", 2), ("p2a", 2)):
        stores.sessions.record_photo(a_session_photo(session, id=id, minutes=minutes), id.encode(), [])
    assert [photo.id for photo in stores.sessions.photos(session)] == ["p1", "p2a", "p2b", "p3"]
    assert stores.sessions.original(session, PhotoId("p2a")) == b"p2a"


def test_an_unknown_photo_is_not_found(stores: Stores) -> None:
    session = open_session(stores)
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, P1)


def test_the_same_photo_recorded_twice_is_recorded_once(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    photo = a_session_photo(session, a_face("a"))
    for _ in range(3):
        stores.sessions.record_photo(photo, b"o", [mark("a")])
    assert stores.sessions.photos(session) == [photo]
    assert statuses(stores, session) == {"a": ("present", "photo"), "b": ("absent", "photo")}


def test_a_photo_stored_already_is_replaced(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"first", [mark("a")])
    second = a_session_photo(session, a_face("b"), minutes=2)
    stores.sessions.record_photo(second, b"second", [mark("b", minutes=2)])
    assert stores.sessions.photos(session) == [second]
    assert stores.sessions.original(session, P1) == b"second"


def test_seen_in_any_photo_is_present_and_stays_so(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    stores.sessions.record_photo(a_session_photo(session, id="p1"), b"o", [mark("a")])
    stores.sessions.record_photo(
        a_session_photo(session, id="p2"), b"o", [mark("a", MarkStatus.ABSENT, minutes=2), mark("b", minutes=2)]
    )
    assert stores.sessions.marks(session) == [mark("a"), mark("b", minutes=2)]


@pytest.mark.parametrize("status", list(MarkStatus))
def test_a_photo_never_overrules_a_person(stores: Stores, status: MarkStatus) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    manual = mark("a", status, MarkSource.MANUAL, minutes=1)
    stores.sessions.record_photo(a_session_photo(session, id="p1"), b"o", [manual])
    for new in (MarkStatus.PRESENT, MarkStatus.ABSENT):
        stores.sessions.record_photo(a_session_photo(session, id="p2"), b"o", [mark("a", new, minutes=2)])
        assert stores.sessions.marks(session) == [manual]


def test_a_person_overrules_a_photo_and_a_person(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session, id="p1"), b"o", [mark("a")])
    for minutes, status in ((2, MarkStatus.ABSENT), (3, MarkStatus.EXCUSED), (4, MarkStatus.PRESENT)):
        manual = mark("a", status, MarkSource.MANUAL, minutes)
        stores.sessions.record_photo(a_session_photo(session, id="p2"), b"o", [manual])
        assert stores.sessions.marks(session) == [manual]


def test_a_mark_that_says_nothing_new_keeps_its_time(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session, id="p1"), b"o", [mark("a", minutes=1)])
    stores.sessions.record_photo(a_session_photo(session, id="p2"), b"o", [mark("a", minutes=2)])
    assert stores.sessions.marks(session) == [mark("a", minutes=1)]


def test_a_student_who_joined_after_the_session_opened_is_marked(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    register(stores, "b")
    stores.sessions.record_photo(a_session_photo(session, a_face("b")), b"o", [mark("b")])
    assert statuses(stores, session) == {"a": ("absent", "photo"), "b": ("present", "photo")}


def test_who_is_not_registered_leaves_no_trace(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a", "erased-while-reading")
    photo = a_session_photo(session, a_face("erased-while-reading", candidates=["a"]), a_face("a"))
    stores.sessions.record_photo(photo, b"o", [mark("erased-while-reading"), mark("a")])
    assert statuses(stores, session) == {"a": ("present", "photo")}
    assert students_in(stores.sessions.photos(session)[0].faces) == {"a"}
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, P1)


def test_erasing_a_student_leaves_sessions_anonymous(stores: Stores) -> None:
    register(stores, "a", "aa", "b")
    session = open_session(stores, "a", "aa", "b")
    named = a_session_photo(session, a_face("a", candidates=["b"], number=0), a_face("aa", number=1), id="p1")
    near = a_session_photo(session, a_face("b", candidates=["a", "aa"]), a_face(None, candidates=["a"]), id="p2")
    stores.sessions.record_photo(named, b"shows a", [mark("a"), mark("aa")])
    stores.sessions.record_photo(near, b"shows b", [mark("b")])

    stores.students.erase(StudentId("a"))

    assert statuses(stores, session) == {"aa": ("present", "photo"), "b": ("present", "photo")}
    first, second = stores.sessions.photos(session)
    assert students_in(first.faces + second.faces) == {"aa", "b"}
    was_a, still_aa = first.faces
    assert (was_a.decision, was_a.student_id, was_a.head_similarity) == (Decision.UNKNOWN, None, None)
    assert was_a.box == named.faces[0].box
    assert still_aa == named.faces[1]
    assert second.faces[0].student_id == "b"
    assert second.faces[0].similarity == near.faces[0].similarity
    assert second.faces[1].similarity is None
    with pytest.raises(PhotoNotFound):
        stores.sessions.original(session, PhotoId("p1"))
    assert stores.sessions.original(session, PhotoId("p2")) == b"shows b"


def test_a_session_outlives_all_its_students(stores: Stores) -> None:
    register(stores, "a")
    session = open_session(stores, "a")
    stores.sessions.record_photo(a_session_photo(session, a_face("a")), b"o", [mark("a")])
    stores.students.erase(StudentId("a"))
    assert stores.sessions.marks(session) == []
    assert len(stores.sessions.photos(session)) == 1


class TestPhotosByDigest:
    """A photo is found again in every session that holds the same file."""

    DIGEST = "cd" * 32

    def record(self, stores: Stores, session: SessionId, id: str = "p1", digest: str = DIGEST) -> None:
        photo = replace(a_session_photo(session, id=id), digest=digest)
        stores.sessions.record_photo(photo, b"original", [])

    def test_all_sessions_that_hold_a_photo_come_oldest_first(self, stores: Stores) -> None:
        for id, minutes, group in (("late", 60, "g"), ("early", 0, "g2"), ("without", 30, "g")):
            stores.sessions.create(a_session(id, group=group, minutes=minutes), [])
        self.record(stores, SessionId("late"))
        self.record(stores, SessionId("early"))
        self.record(stores, SessionId("without"), digest="ef" * 32)
        found = stores.sessions.with_photo(self.DIGEST)
        assert [(session.id, session.group_id) for session in found] == [("early", "g2"), ("late", "g")]
        assert found[0] == stores.sessions.get(SessionId("early"))
        assert stores.sessions.with_photo("00" * 32) == []

    def test_a_photo_stored_twice_is_one_use(self, stores: Stores) -> None:
        session = open_session(stores)
        self.record(stores, session)
        self.record(stores, session)
        self.record(stores, session, id="p2")
        assert [found.id for found in stores.sessions.with_photo(self.DIGEST)] == [session]

    def test_a_photo_that_is_replaced_by_another_file_is_found_by_that_alone(self, stores: Stores) -> None:
        session = open_session(stores)
        self.record(stores, session)
        self.record(stores, session, digest="ef" * 32)
        assert stores.sessions.with_photo(self.DIGEST) == []
        assert [found.id for found in stores.sessions.with_photo("ef" * 32)] == [session]

    def test_a_photo_is_found_after_its_files_are_gone_and_not_after_its_session_is(self, stores: Stores) -> None:
        session = open_session(stores)
        self.record(stores, session)
        stores.sessions.drop_files(session, NOW + timedelta(days=1))
        assert [found.id for found in stores.sessions.with_photo(self.DIGEST)] == [session]
        stores.sessions.remove(session)
        assert stores.sessions.with_photo(self.DIGEST) == []
        stores.sessions.create(a_session(), [])
        assert stores.sessions.with_photo(self.DIGEST) == []


def test_an_empty_period_has_no_sessions(stores: Stores) -> None:
    register(stores, "a")
    session = stores.sessions.get(open_session(stores, "a"))
    for moment in (session.started_at, session.started_at + timedelta(days=1)):
        assert stores.sessions.of_group(session.group_id, since=moment, until=moment) == []
