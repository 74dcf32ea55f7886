"""The health check of a server whose store cannot be written, and learned faces over HTTP."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx

from muster.api.app import create_app
from muster.api.recognition import Recognition
from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.user import Role, User
from muster.storage.local import DATABASE_FILE
from tests.contract.examples import learn, register
from tests.e2e.serving import serving


def test_health_fails_while_the_database_is_not_the_one_that_the_server_has_open(
    client: httpx.Client, system: LocalServices, tmp_path: Path
) -> None:
    assert client.get("/health").status_code == 200
    database = tmp_path / "store" / DATABASE_FILE
    database.rename(tmp_path / "kept")
    for replaced in (False, True):
        if replaced:
            # Not opened here: closing it would drop SQLite's locks.
            subprocess.run(["cp", str(tmp_path / "kept"), str(database)], check=True)
        system.stores.upkeep._checked_at = float("-inf")
        answer = client.get("/health")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "store_unusable"
    (tmp_path / "kept").replace(database)
    system.stores.upkeep._checked_at = float("-inf")
    assert client.get("/health").status_code == 200


def test_a_server_answers_while_its_models_load_and_photos_wait_for_them(system: LocalServices, samples: Path) -> None:
    loaded, asked = Event(), Event()

    def load() -> LocalServices:
        asked.set()
        assert loaded.wait(60)
        return system

    fields = {"student_id": "s1", "name": "Joe", "group_id": "7b", "consent": "true"}
    portrait = {"image": (samples / "gallery/joe_biden.jpg").read_bytes()}
    app = create_app(system, recognition=Recognition(load))
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor() as pool:
        assert client.get("/health").json()["ready"] is False
        first = pool.submit(client.post, "/register/register-student", data=fields, files=portrait)
        assert asked.wait(60)
        assert client.get("/v1/groups").status_code == 200
        assert client.get("/health").json()["ready"] is False
        assert not first.done()
        loaded.set()
        assert first.result().status_code == 201
        assert client.get("/health").json()["ready"] is True


def test_a_monitor_may_ask_for_the_head_alone(client: httpx.Client) -> None:
    answer = client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_store_is_checked_once_a_second_however_often_health_is_asked(
    client: httpx.Client, system: LocalServices
) -> None:
    checks = 0
    find = system.stores.upkeep._find_failure

    def counted() -> None:
        nonlocal checks
        checks += 1
        find()

    system.stores.upkeep._find_failure = counted  # type: ignore[method-assign]
    system.stores.upkeep._checked_at = float("inf")
    for _ in range(20):
        assert client.get("/health").status_code == 200
    assert checks == 0
    system.stores.upkeep._checked_at = float("-inf")
    client.get("/health")
    assert checks == 1


def test_a_teacher_removes_the_learned_faces_of_their_own_students_only(
    client: httpx.Client, system: LocalServices
) -> None:
    register(system.stores, "mine", groups=["g"])
    register(system.stores, "other", groups=["h"])
    for student in ("mine", "other"):
        learn(system.stores, student, "f")
    token = system.users.add(User(UserId("ada"), Role.TEACHER), [GroupId("g")])
    client.headers["Authorization"] = f"Bearer {token}"
    assert client.delete("/v1/students/mine/learned-faces").json() == {"student_id": "mine", "removed": 1}
    assert client.delete("/v1/students/other/learned-faces").status_code == 403
    assert system.stores.students.template(StudentId("other")).learned_ids == ("f",)
