"""The description of the caller and of this installation that a client reads at startup."""

from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User


def test_everyone_at_a_machine_without_users_is_its_admin(client: httpx.Client, system: LocalServices) -> None:
    me = client.get("/v1/me").json()
    assert ZoneInfo(me.pop("time_zone")) == system.reports.zone
    assert me == {
        "user_id": "local",
        "role": "admin",
        "name": None,
        "uploads": False,
        "manages_users": True,
        "max_photos": 10,
        "max_photo_bytes": 25_000_000,
        "consent_wording": "2026-2",
        "pack": system.pack,
        "substitutes": True,
        "access_ends_at": None,
    }


def test_a_user_is_told_their_own_name_and_role(client: httpx.Client, system: LocalServices) -> None:
    for user, name in (
        (User(UserId("ada"), Role.TEACHER, "Ada Lovelace"), "Ada Lovelace"),
        (User(UserId("head"), Role.ADMIN), None),
    ):
        token = system.users.add(user, [GroupId("7b")])
        me = client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
        assert (me["user_id"], me["role"], me["name"]) == (user.id, user.role, name)


def test_the_largest_photo_is_the_one_that_is_taken(client: httpx.Client) -> None:
    most = client.get("/v1/me").json()["max_photo_bytes"]
    for size, code in ((most, "unsupported_image"), (most + 1, "image_too_large")):
        answer = client.post("/mark/detect", data={"group_id": "7b"}, files={"images": b"\0" * size})
        assert answer.json()["code"] == code, size


def test_the_wording_is_the_one_that_a_registration_records(client: httpx.Client, samples: Path) -> None:
    with (samples / "gallery" / "joe_biden.jpg").open("rb") as image:
        form = {"student_id": "s1", "name": "Joe Biden", "group_id": "7b", "consent": "true"}
        registered = client.post("/register/register-student", data=form, files={"image": image})
    assert registered.json()["consent_wording"] == client.get("/v1/me").json()["consent_wording"]
