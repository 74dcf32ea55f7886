"""Replacing a student's photo over HTTP and at the terminal: the checks of a registration, and one photo afterwards."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageOps

from muster.composition.local import LocalServices
from muster.domain.actor import Actor
from muster.domain.errors import ConsentWithdrawn, StudentNotFound, VersionConflict
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.registration import NewPhoto
from muster.domain.user import Role, User
from muster.services.registering.replacement import PhotoReplacement
from tests.e2e import pictures

OBAMA = StudentId("obama")
ADMIN = Actor(UserId("admin"), None)


def mirrored(samples: Path, name: str = "barack_obama") -> bytes:
    content = BytesIO()
    ImageOps.mirror(Image.open(samples / "gallery" / f"{name}.jpg").convert("RGB")).save(content, "JPEG", quality=92)
    return content.getvalue()


@dataclass
class School:
    """Obama in 7b, Biden in 8a, and clients of their teachers and of an admin."""

    of_7b: httpx.Client
    of_8a: httpx.Client
    admin: httpx.Client
    system: LocalServices
    samples: Path

    def put(self, client: httpx.Client, photo: bytes, version: str = "*", **fields: Any) -> httpx.Response:
        return client.put(
            "/v1/students/obama/photo", files={"image": photo}, data=fields, headers={"If-Match": version}
        )

    @property
    def photo(self) -> bytes:
        return self.system.stores.students.photo(OBAMA)


@pytest.fixture
def school(client: httpx.Client, system: LocalServices, samples: Path) -> Iterator[School]:
    tokens = [
        system.users.add(User(UserId("t7b"), Role.TEACHER, "Ada Lovelace"), [GroupId("7b")]),
        system.users.add(User(UserId("t8a"), Role.TEACHER), [GroupId("8a")]),
        system.users.add(User(UserId("admin"), Role.ADMIN)),
    ]
    with ExitStack() as stack:
        of_7b, of_8a, admin = [
            stack.enter_context(
                httpx.Client(base_url=client.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
            )
            for token in tokens
        ]
        for id, name, group in (("obama", "barack_obama", "7b"), ("biden", "joe_biden", "8a")):
            data = {"student_id": id, "name": id, "group_id": group, "consent": "true"}
            photo = (samples / "gallery" / f"{name}.jpg").read_bytes()
            admin.post("/register/register-student", data=data, files={"image": photo}).raise_for_status()
        yield School(of_7b, of_8a, admin, system, samples)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_teacher_replaces_the_photo_of_a_student(school: School) -> None:
    before = school.of_7b.get("/v1/students/obama")
    picture = school.of_7b.get("/v1/students/obama/picture").content
    new = mirrored(school.samples)

    answer = school.put(school.of_7b, new, before.headers["etag"])

    assert answer.status_code == 200, answer.text
    assert answer.json()["quality"] > 0
    assert school.photo == new
    after = school.of_7b.get("/v1/students/obama")
    assert answer.headers["etag"] == after.headers["etag"] != before.headers["etag"]
    document = after.json()
    assert document["photo_replaced_at"] is not None
    assert (document["photo_replaced_by"], document["photo_replaced_by_name"]) == ("t7b", "Ada Lovelace")
    kept = ("consent_given_at", "consent_wording", "registered_at", "group_ids", "state")
    assert [document[key] for key in kept] == [before.json()[key] for key in kept]
    assert school.of_7b.get("/v1/students/obama/picture").content != picture
    assert school.admin.get("/v1/students/obama/data").json()["photo_replaced_by"] == "t7b"
    # The answer was lost, and the request is sent again with the version that it changed.
    again = school.put(school.of_7b, new, before.headers["etag"])
    assert (again.status_code, again.json()["repeated"]) == (200, True)


def test_a_refused_photo_changes_nothing(school: School) -> None:
    before, version = school.photo, school.admin.get("/v1/students/obama").json()["version"]
    biden = mirrored(school.samples, "joe_biden")
    assert refused(school.put(school.admin, pictures.without_face())) == (422, "no_face")
    assert refused(school.put(school.admin, b"no photo")) == (415, "unsupported_image")
    assert refused(school.put(school.of_8a, biden)) == (403, "not_allowed")
    assert refused(school.put(school.admin, biden, '"7"')) == (412, "version_conflict")
    assert refused(school.put(school.admin, biden, "7")) == (422, "invalid_request")
    needed = school.admin.put("/v1/students/obama/photo", files={"image": biden})
    assert refused(needed) == (428, "version_needed")
    named, hidden = school.put(school.admin, biden), school.put(school.of_7b, biden)
    assert refused(named) == refused(hidden) == (409, "duplicate_person")
    assert "biden" in named.json()["detail"]
    assert "biden" not in hidden.json()["detail"]
    assert school.photo == before
    assert school.admin.get("/v1/students/obama").json()["version"] == version
    assert school.put(school.admin, biden, allow_lookalike="true").status_code == 200


def test_a_student_without_a_photo_is_registered_instead(school: School) -> None:
    school.admin.post("/v1/students", json={"student_id": "new", "name": "New", "group_ids": ["7b"]})
    files = {"image": mirrored(school.samples)}
    answer = school.admin.put("/v1/students/new/photo", files=files, headers={"If-Match": "*"})
    assert refused(answer) == (409, "not_registered")
    school.admin.post("/v1/students/obama/consent/withdrawal")
    assert refused(school.put(school.admin, mirrored(school.samples))) == (409, "consent_withdrawn")


class _Interrupted:
    """A store of students that another request changes just before the photo is replaced."""

    def __init__(self, students: Any, change: Callable[[], object]) -> None:
        self._students = students
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._students, name)

    def replace_photo(self, *arguments: Any, **options: Any) -> None:
        change, self._change = self._change, lambda: None
        change()
        self._students.replace_photo(*arguments, **options)


def replacement(system: LocalServices, change: Callable[[], object], asked: list[str]) -> PhotoReplacement:
    return PhotoReplacement(
        replace(
            system.registration,
            students=_Interrupted(system.stores.students, change),
            request_training=lambda: asked.append("training"),
        )
    )


def test_changes_while_the_photo_is_read_are_kept_or_end_the_replacement(school: School) -> None:
    system, new, asked = school.system, mirrored(school.samples), list[str]()

    def rename() -> None:
        system.roster.update(OBAMA, system.roster.get(OBAMA).version, "Barack H. Obama")

    pinned = NewPhoto(OBAMA, system.roster.get(OBAMA).version)
    with pytest.raises(VersionConflict):
        replacement(system, rename, asked).replace(pinned, new, ADMIN)
    assert asked == []
    done = replacement(system, rename, asked).replace(NewPhoto(OBAMA), new, ADMIN)
    assert (done.student.name, school.photo == new, asked) == ("Barack H. Obama", True, ["training"])
    original = (school.samples / "gallery" / "barack_obama.jpg").read_bytes()
    with pytest.raises(ConsentWithdrawn):
        replacement(system, lambda: system.roster.withdraw(OBAMA), asked).replace(NewPhoto(OBAMA), original, ADMIN)
    with pytest.raises(StudentNotFound):
        school.photo  # noqa: B018
    system.roster.erase(OBAMA)
    with pytest.raises(StudentNotFound):
        replacement(system, lambda: None, asked).replace(NewPhoto(OBAMA), new, ADMIN)
    assert system.stores.students.traces(OBAMA) == []
