"""Letting go of old photos and sessions, on both stores."""

import time
from datetime import timedelta
from queue import Queue

import pytest

from muster.domain.attendance import MarkStatus
from muster.domain.errors import PhotoNotFound, SessionNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, PhotoId, SessionId
from muster.services.privacy.retention import Expired, Retention, RetentionLimits, daily
from tests.contract.examples import NOW, a_face, a_session, a_session_photo, mark, register
from tests.contract.places import Stores

DAY = 24 * 60


def a_term(stores: Stores) -> None:
    """Sessions of 40, 20 and 0 days ago, each with a photo that came when it was opened."""
    stores.groups.add(Group(GroupId("g"), "g"))
    register(stores, "a")
    for days in (40, 20, 0):
        session = a_session(f"s{days}", minutes=-days * DAY)
        stores.sessions.create(session, [])
        photo = a_session_photo(session.id, a_face("a"), minutes=-days * DAY)
        stores.sessions.record_photo(photo, b"original", [mark("a", minutes=-days * DAY)])


def retention(stores: Stores, photos: int | None, sessions: int | None) -> Retention:
    limits = RetentionLimits(photos, sessions)
    return Retention(stores.groups, stores.sessions, limits, now=lambda: NOW + timedelta(minutes=1))


def kept(stores: Stores, session: str) -> bool:
    try:
        return stores.sessions.original(SessionId(session), PhotoId("p1")) == b"original"
    except PhotoNotFound:
        return False


def test_old_photos_lose_their_files_and_nothing_else(stores: Stores) -> None:
    a_term(stores)
    assert retention(stores, 30, None).run() == Expired(photos=1, sessions=0)
    assert [kept(stores, session) for session in ("s40", "s20", "s0")] == [False, True, True]
    assert [mark.status for mark in stores.sessions.marks(SessionId("s40"))] == [MarkStatus.PRESENT]
    assert stores.sessions.photos(SessionId("s40"))[0].faces[0].student_id == "a"
    assert retention(stores, 30, None).run() == Expired(photos=0, sessions=0)


def test_old_sessions_go_whole(stores: Stores) -> None:
    a_term(stores)
    assert retention(stores, 10, 30).run() == Expired(photos=1, sessions=1)
    with pytest.raises(SessionNotFound):
        stores.sessions.marks(SessionId("s40"))
    assert [session.id for session in stores.sessions.of_group(GroupId("g"))] == ["s20", "s0"]
    assert [kept(stores, session) for session in ("s20", "s0")] == [False, True]


def test_a_photo_added_late_to_an_old_session_stays(stores: Stores) -> None:
    a_term(stores)
    stores.sessions.record_photo(a_session_photo(SessionId("s40"), id="p1", minutes=0), b"original", [])
    assert retention(stores, 30, None).run() == Expired(photos=0, sessions=0)
    assert kept(stores, "s40")


def test_without_limits_everything_stays(stores: Stores) -> None:
    a_term(stores)
    assert retention(stores, None, None).run() == Expired(photos=0, sessions=0)
    assert kept(stores, "s40")


def test_the_sweep_runs_at_once_again_and_ends_with_its_block(stores: Stores) -> None:
    runs: Queue[Expired] = Queue()
    a_term(stores)

    class Told(Retention):
        def run(self) -> Expired:
            expired = super().run()
            runs.put(expired)
            return expired

    with daily(Told(stores.groups, stores.sessions, RetentionLimits(1, None)), every_seconds=0.01):
        for _ in range(3):
            runs.get(timeout=120)
    assert not kept(stores, "s0")
    while not runs.empty():
        runs.get()
    time.sleep(0.1)
    assert runs.empty()
