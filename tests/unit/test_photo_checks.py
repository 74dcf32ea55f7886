"""Photos that seem to belong to another roll call are asked about, and nothing of other groups is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from muster.domain.attendance import Session, SessionPhoto
from muster.domain.errors import IsRegistrationPhoto, PhotoFromAnotherDay, PhotoUsedBefore
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.storage.local import LocalStores, open_local
from tests.e2e.pictures import dated, encoded

BERLIN = ZoneInfo("Europe/Berlin")
G7 = GroupId("7b")
G8 = GroupId("8a")
MONDAY = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
DIGEST = "ab" * 32
PICTURE = Image.new("RGB", (16, 12))
PLAIN = encoded(PICTURE)


@pytest.fixture
def stores(tmp_path: Path) -> LocalStores:
    return open_local(tmp_path / "store")


@pytest.fixture
def checks(stores: LocalStores) -> PhotoChecks:
    return PhotoChecks(stores.sessions, BERLIN)


def session(id: str = "monday", group: GroupId = G7, at: datetime = MONDAY) -> Session:
    return Session(SessionId(id), group, at)


def hold(stores: LocalStores, holder: Session, digest: str = DIGEST) -> None:
    stores.sessions.create(holder, [])
    photo = SessionPhoto(PhotoId("p"), holder.id, digest, 16, 12, (), PackId("embedded"), None, holder.started_at)
    stores.sessions.record_photo(photo, PLAIN, [])


def check(
    checks: PhotoChecks,
    target: Session,
    photo: bytes = PLAIN,
    registered: dict[str, StudentId] | None = None,
    visible: tuple[GroupId, ...] | None = (),
) -> None:
    checks.check(target, {DIGEST: photo}, registered or {}, visible)


def test_a_photo_that_is_new_and_says_no_day_is_not_asked_about(checks: PhotoChecks) -> None:
    check(checks, session())


def test_a_photo_of_another_session_of_the_group_is_named_with_its_time(
    checks: PhotoChecks, stores: LocalStores
) -> None:
    hold(stores, session("before"))
    with pytest.raises(PhotoUsedBefore, match="in the roll call of 7b of 23 November 2026, 08:15"):
        check(checks, session("now"))


def test_other_groups_are_named_to_people_who_may_see_them_alone(checks: PhotoChecks, stores: LocalStores) -> None:
    hold(stores, session("before", G8))
    with pytest.raises(PhotoUsedBefore) as refused:
        check(checks, session("now"))
    assert "in another roll call" in str(refused.value)
    assert not any(told in str(refused.value) for told in ("8a", "November", "08:15", "before of"))
    for visible in ((G8,), None):
        with pytest.raises(PhotoUsedBefore, match="8a of 23 November 2026"):
            check(checks, session("now"), visible=visible)


def test_a_photo_that_the_session_holds_already_is_not_asked_about(checks: PhotoChecks, stores: LocalStores) -> None:
    hold(stores, session())
    hold(stores, session("tuesday", at=MONDAY + timedelta(days=1)))
    check(checks, session(), dated(PICTURE, "2019:05:03 08:15:00"), {DIGEST: StudentId("s1")})


@pytest.mark.parametrize(
    ("time", "offset", "asked"),
    [
        ("2026:11:23 16:00:00", None, False),  # the same day, in the school's zone
        ("2026:11:23 23:30:00", "+01:00", False),
        ("2026:11:22 16:00:00", None, True),  # the day before
        ("2026:11:24 09:00:00", None, True),
        ("2019:05:03 08:15:00", None, True),
        ("2026:11:23 02:15:00", "-05:00", False),  # 08:15 in Berlin
        ("2026:11:22 20:00:00", "-12:00", False),  # Monday in Berlin
    ],
)
def test_the_day_of_the_photo_is_compared_in_the_schools_time_zone(
    checks: PhotoChecks, time: str, offset: str | None, asked: bool
) -> None:
    photo = dated(PICTURE, time, offset)
    if not asked:
        check(checks, session(), photo)
        return
    with pytest.raises(PhotoFromAnotherDay, match=r"taken on \d+ (May|November) 20\d\d"):
        check(checks, session(), photo)


def test_a_class_past_midnight_is_not_asked_about(checks: PhotoChecks) -> None:
    evening = session(at=datetime(2026, 11, 23, 22, 30, tzinfo=UTC))
    check(checks, evening, dated(PICTURE, "2026:11:24 00:40:00"))


def test_a_registration_photo_is_named(checks: PhotoChecks) -> None:
    with pytest.raises(IsRegistrationPhoto, match="registration photo of s1"):
        check(checks, session(), registered={DIGEST: StudentId("s1")})


def test_one_of_several_photos_is_named_by_its_place(checks: PhotoChecks) -> None:
    with pytest.raises(IsRegistrationPhoto, match="Photo 2 of 2 is"):
        checks.check(session(), {"00" * 32: PLAIN, DIGEST: PLAIN}, {DIGEST: StudentId("s1")}, ())


class TestDerivedSessions:
    """A request without a session id."""

    def test_the_same_photos_are_one_session_on_one_day(self, checks: PhotoChecks, stores: LocalStores) -> None:
        first = checks.derived_session(G7, [DIGEST], MONDAY, use_anyway=False)
        hold(stores, session(first))
        for hours in (0, 5, 15):
            again = checks.derived_session(G7, [DIGEST, DIGEST], MONDAY + timedelta(hours=hours), use_anyway=False)
            assert again == first
        assert checks.derived_session(G8, [DIGEST], MONDAY, use_anyway=False) != first

    def test_sent_again_the_next_day_they_are_asked_about(self, checks: PhotoChecks, stores: LocalStores) -> None:
        hold(stores, session(checks.derived_session(G7, [DIGEST], MONDAY, use_anyway=False)))
        tuesday = MONDAY + timedelta(days=1)
        with pytest.raises(PhotoUsedBefore, match="23 November 2026"):
            checks.derived_session(G7, [DIGEST], tuesday, use_anyway=False)

    def test_confirmed_they_get_one_session_a_day(self, checks: PhotoChecks, stores: LocalStores) -> None:
        first = checks.derived_session(G7, [DIGEST], MONDAY, use_anyway=True)
        hold(stores, session(first))
        evening = MONDAY + timedelta(days=1, hours=15)
        second = checks.derived_session(G7, [DIGEST], evening, use_anyway=True)
        assert second != first
        hold(stores, session(second, at=evening))
        # Repeated after midnight, it is still the request of that evening.
        for minutes in (1, 90):
            assert checks.derived_session(G7, [DIGEST], evening + timedelta(minutes=minutes), use_anyway=True) == second
        assert checks.derived_session(G7, [DIGEST], evening + timedelta(days=2), use_anyway=True) not in (first, second)
