"""Registering over an id that is on a roster already: who may, what stays, and consent that was withdrawn."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from muster.composition.local import LocalServices
from muster.domain.actor import Actor
from muster.domain.errors import ConsentWithdrawn, NotAllowed
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.registration import RegistrationDetails
from muster.domain.student import Student, StudentState, Template
from muster.domain.user import Role, User
from muster.services.registering.registration import Registration

ADA = StudentId("ada")


@dataclass
class Staff:
    """Clients of the teachers of 7b and 8a, and of an admin; the student ada is on the roster of 7b."""

    of_7b: httpx.Client
    of_8a: httpx.Client
    admin: httpx.Client
    system: LocalServices
    photo: bytes

    def register(self, client: httpx.Client, group: str, **fields: Any) -> httpx.Response:
        data = {"student_id": "ada", "name": "Ada", "group_id": group, "consent": "true", **fields}
        return client.post("/register/register-student", data=data, files={"image": ("ada.jpg", self.photo)})

    def stored(self) -> Student:
        return self.system.roster.get(ADA)


@pytest.fixture
def staff(client: httpx.Client, system: LocalServices, samples: Path) -> Iterator[Staff]:
    system.roster.enrol(ADA, "Ada", [GroupId("7b")])
    tokens = [
        system.users.add(User(UserId("t7b"), Role.TEACHER), [GroupId("7b")]),
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
        yield Staff(of_7b, of_8a, admin, system, (samples / "gallery" / "barack_obama.jpg").read_bytes())


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_teacher_cannot_register_over_a_student_of_another_group(staff: Staff) -> None:
    before = staff.stored()
    assert refused(staff.register(staff.of_8a, "8a", name="Stolen")) == (403, "not_allowed")
    assert staff.stored() == before
    assert staff.of_7b.get("/v1/students/ada").status_code == 200


def test_a_withdrawn_student_of_another_group_is_as_foreign_as_any(staff: Staff) -> None:
    assert staff.register(staff.of_7b, "7b").status_code == 201
    staff.of_7b.post("/v1/students/ada/consent/withdrawal")
    before = staff.stored()
    for fields in ({}, {"renew_consent": "true"}):
        assert refused(staff.register(staff.of_8a, "8a", **fields)) == (403, "not_allowed")
    assert staff.stored() == before


def test_groups_of_other_teachers_stay_when_a_student_is_registered(staff: Staff) -> None:
    staff.admin.patch("/v1/students/ada", json={"group_ids": ["7b", "8a"]}, headers={"If-Match": "*"})
    assert staff.register(staff.of_8a, "8a").status_code == 201
    student = staff.stored()
    assert student.groups == {"7b", "8a"}
    assert student.consent is not None
    assert student.consent.stated_by == "t8a"
    # The same request again is answered alike, although it names one of two groups.
    assert staff.register(staff.of_8a, "8a").json()["repeated"] is True


def test_withdrawn_consent_is_renewed_only_where_the_request_says_so(staff: Staff) -> None:
    assert staff.register(staff.of_7b, "7b").status_code == 201
    staff.of_7b.post("/v1/students/ada/consent/withdrawal")
    withdrawn = staff.stored()
    assert withdrawn.consent is not None
    assert refused(staff.register(staff.of_7b, "7b")) == (409, "consent_withdrawn")
    assert staff.stored() == withdrawn
    assert staff.register(staff.of_7b, "7b", renew_consent="true").status_code == 201
    renewed = staff.stored().consent
    assert renewed is not None
    assert (renewed.withdrawn_at, renewed.stated_by) == (None, "t7b")
    assert renewed.renewed_after == withdrawn.consent.withdrawn_at
    kept = staff.admin.get("/v1/students/ada/data").json()
    assert kept["consent_stated_by"] == "t7b"
    assert kept["consent_renewed_after"] is not None


class _Interrupted:
    """A store of students that another request changes just before a registration is written."""

    def __init__(self, students: Any, change: Any) -> None:
        self._students = students
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._students, name)

    def add(self, student: Student, template: Template, photo: bytes, replaces: Student | None = None) -> None:
        change, self._change = self._change, lambda: None
        change()
        self._students.add(student, template, photo, replaces=replaces)


def register_elsewhere(registration: Registration, photo: bytes) -> None:
    own = frozenset({GroupId("8a")})
    registration.register(RegistrationDetails(ADA, "Stolen", own, consent=True), photo, Actor(UserId("t8a"), own))


def test_a_student_enrolled_elsewhere_while_the_photo_is_read_is_not_taken_over(
    system: LocalServices, samples: Path
) -> None:
    photo = (samples / "gallery" / "joe_biden.jpg").read_bytes()

    def enrol() -> None:
        system.roster.enrol(ADA, "Ada", [GroupId("7b")])

    registration = replace(system.registration, students=_Interrupted(system.stores.students, enrol))
    with pytest.raises(NotAllowed):
        register_elsewhere(registration, photo)
    assert system.roster.get(ADA).name == "Ada"
    assert system.roster.get(ADA).groups == {"7b"}


def test_a_student_erased_and_enrolled_elsewhere_under_the_same_id_is_not_taken_over(
    system: LocalServices, samples: Path
) -> None:
    photo = (samples / "gallery" / "joe_biden.jpg").read_bytes()
    system.roster.enrol(ADA, "Ada", [GroupId("8a")])

    def enrol_another() -> None:
        system.roster.erase(ADA)
        # The version is the one that was read; the student is not.
        system.roster.enrol(ADA, "Another Ada", [GroupId("7b")])

    registration = replace(system.registration, students=_Interrupted(system.stores.students, enrol_another))
    with pytest.raises(NotAllowed):
        register_elsewhere(registration, photo)
    assert system.roster.get(ADA).name == "Another Ada"
    assert system.roster.get(ADA).groups == {"7b"}


def test_consent_withdrawn_while_the_photo_is_read_is_not_given_again(system: LocalServices, samples: Path) -> None:
    photo = (samples / "gallery" / "joe_biden.jpg").read_bytes()
    system.roster.enrol(ADA, "Ada", [GroupId("8a")])

    def register_and_withdraw() -> None:
        other = (samples / "gallery" / "barack_obama.jpg").read_bytes()
        register_elsewhere(system.registration, other)
        system.roster.withdraw(ADA)

    registration = replace(
        system.registration,
        one_at_a_time=ExitStack(),
        students=_Interrupted(system.stores.students, register_and_withdraw),
    )
    with pytest.raises(ConsentWithdrawn):
        register_elsewhere(registration, photo)
    assert system.roster.get(ADA).state is StudentState.WITHDRAWN
