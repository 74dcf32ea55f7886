"""Users of one machine over HTTP: created, listed, given a new token, removed."""

from datetime import UTC, datetime, timedelta

import httpx

from muster.composition.local import LocalServices
from muster.domain.attendance import Session
from muster.domain.identifiers import GroupId, SessionId


def test_users_are_managed_by_admins_and_the_first_one_is_an_admin(client: httpx.Client, system: LocalServices) -> None:
    assert client.get("/v1/me").json()["manages_users"] is True
    client.post("/v1/groups", json={"group_id": "7b", "name": "Class 7b"}).raise_for_status()
    refused = client.put("/v1/users/ada", json={"group_ids": ["7b"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    created = client.put("/v1/users/root", json={"role": "admin", "address": "http://muster.example:8000"})
    assert (created.status_code, created.headers["cache-control"]) == (201, "no-store")
    first = created.json()
    assert first["link"] == f"http://muster.example:8000/#/token/{first['token']}"
    assert len(first["qr"]) == len(first["qr"][0]) > 20
    assert client.get("/v1/users").status_code == 401

    client.headers["Authorization"] = f"Bearer {first['token']}"
    unknown = client.put("/v1/users/ada", json={"group_ids": ["9z"]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "group_not_found")
    ada = client.put("/v1/users/ada", json={"name": " Ada  Lovelace ", "group_ids": ["7b"]}).json()
    assert (ada["link"], ada["qr"]) == (None, None)
    again = client.put("/v1/users/ada", json={})
    assert (again.status_code, again.json()["code"]) == (409, "user_exists")
    listed = client.get("/v1/users").json()["items"]
    assert listed[0] == {"user_id": "ada", "role": "teacher", "name": "Ada Lovelace", "group_ids": ["7b"]}
    assert [user["user_id"] for user in listed] == ["ada", "root"]

    renewed = client.put("/v1/users/ada/token", json={}).json()["token"]
    old, new = ({"Authorization": f"Bearer {token}"} for token in (ada["token"], renewed))
    assert (client.get("/v1/me", headers=old).status_code, client.get("/v1/me", headers=new).status_code) == (401, 200)
    assert client.delete("/v1/users/ada").status_code == 204
    assert client.get("/v1/groups/7b").json()["teachers"] == []
    last = client.delete("/v1/users/root")
    assert (last.status_code, last.json()["code"]) == (409, "last_admin")
    assert client.put("/v1/users/x", json={"address": "javascript:alert(1)"}).status_code == 422


def test_retention_says_what_expires_within_a_month(client: httpx.Client, system: LocalServices) -> None:
    client.post("/v1/groups", json={"group_id": "7b", "name": "Class 7b"}).raise_for_status()
    for days in (0, 3, 40):
        started = datetime.now(UTC) - timedelta(days=days)
        system.stores.sessions.create(Session(SessionId(f"s{days}"), GroupId("7b"), started), [])
    # The photos of the session 40 days ago are gone already; whole sessions are kept.
    assert client.get("/v1/retention").json() == {
        "session_photos_days": 30,
        "sessions_days": None,
        "days_ahead": 30,
        "expiring": [{"group_id": "7b", "session_photos": 2, "sessions": 0}],
    }
