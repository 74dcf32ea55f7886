"""Templates learn from certain and confirmed faces over HTTP, and forget them: real photos and real weights."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from muster.api.app import create_app
from muster.api.schemas.learned_faces import LearnedFacesDocument
from muster.cli.app import app
from muster.composition.local import LocalBackend, LocalServices
from muster.composition.settings import LocalSettings
from muster.domain.identifiers import FaceId, GroupId, SessionId, StudentId, UserId
from muster.domain.learning import LearningMode
from muster.domain.student import Consent, LearnedFace
from muster.domain.user import Role, User
from muster.storage.local import DATABASE_FILE
from muster.vision.pipeline import VisionPipeline
from tests.e2e.serving import serving
from tests.e2e.test_sessions import code_of, detect, face_of, named, register

OBAMA, BIDEN = StudentId("barack_obama"), StudentId("joe_biden")


@pytest.fixture
def school(client: httpx.Client, samples: Path) -> httpx.Client:
    for student_id in (OBAMA, BIDEN):
        register(client, samples, student_id)
    return client


def learned(client: httpx.Client, student: str = OBAMA) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/students/{student}/learned-faces")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["student_id"] == student
    items: list[dict[str, Any]] = document["items"]
    return items


def test_a_roll_call_teaches_and_its_correction_or_removal_unlearns(
    school: httpx.Client, system: LocalServices, samples: Path
) -> None:
    monday = detect(school, samples / "photos" / "group.jpg")
    (face,) = learned(school)
    assert face == {
        "face_id": face_of(monday, OBAMA),
        "session_id": "monday",
        "group_id": "7b",
        "learned_at": face["learned_at"],
        "automatic": True,
        "by": None,
        "by_name": None,
    }
    assert learned(school, BIDEN) == []
    assert system.stores.training.state().dirty
    data = school.get(f"/v1/students/{OBAMA}/data").json()
    assert data["learned_faces"] == [face]
    assert data["embeddings"] == 5

    tuesday = detect(school, samples / "photos" / "dim.jpg", session="tuesday")
    assert [face["session_id"] for face in learned(school)] == ["monday", "tuesday"]
    named(school, face_of(tuesday, OBAMA), None, session="tuesday")
    assert [face["session_id"] for face in learned(school)] == ["monday"]
    assert school.delete("/v1/sessions/monday").status_code == 204
    assert learned(school) == []


def test_a_plain_yes_teaches_if_the_face_is_plausibly_the_students(
    school: httpx.Client, system: LocalServices, samples: Path
) -> None:
    monday = detect(school, samples / "photos" / "group.jpg")
    face = face_of(monday, OBAMA)
    assert school.delete(f"/v1/students/{OBAMA}/learned-faces").json()["removed"] == 1
    assert named(school, face, OBAMA).status_code == 200
    assert [(row["face_id"], row["automatic"], row["by"]) for row in learned(school)] == [(face, False, "local")]
    # The face of a stranger: the name stands, and nothing is learned.
    answer = named(school, face_of(monday, None), BIDEN)
    assert (answer.status_code, answer.json()["face"]["student_id"]) == (200, BIDEN)
    assert learned(school, BIDEN) == []


def test_faces_confirmed_together_teach_as_well(school: httpx.Client, samples: Path) -> None:
    face = face_of(detect(school, samples / "photos" / "group.jpg"), OBAMA)
    school.delete(f"/v1/students/{OBAMA}/learned-faces").raise_for_status()
    proposals = {"faces": [{"face_id": face, "student_id": OBAMA}]}
    school.post("/v1/sessions/monday/faces/confirmed", json=proposals).raise_for_status()
    assert [(row["face_id"], row["by"]) for row in learned(school)] == [(face, "local")]


def test_students_whose_consent_speaks_of_one_photo_are_learned_once_they_agree_to_more(
    school: httpx.Client, system: LocalServices, samples: Path
) -> None:
    students = system.stores.students
    student, template, photo = students.get(OBAMA), students.template(OBAMA), students.photo(OBAMA)
    students.erase(OBAMA)
    assert student.consent is not None
    students.add(replace(student, consent=Consent(student.consent.given_at, "2026-1")), template, photo)
    face = face_of(detect(school, samples / "photos" / "group.jpg"), OBAMA)
    assert named(school, face, OBAMA).status_code == 200
    assert learned(school) == []
    url = f"/v1/students/{OBAMA}/consent"
    assert code_of(school.post(url, json={"consent": False}), 422) == "consent_required"
    agreed = school.post(url, json={"consent": True})
    assert agreed.status_code == 200, agreed.text
    assert (agreed.json()["consent_wording"], agreed.json()["version"]) == ("2026-2", student.version + 1)
    again = school.post(url, json={"consent": True}).json()
    assert (again["version"], again["consent_given_at"]) == (
        agreed.json()["version"],
        agreed.json()["consent_given_at"],
    )
    assert named(school, face, OBAMA).status_code == 200
    assert [row["face_id"] for row in learned(school)] == [face]


def test_a_name_is_answered_although_another_students_template_is_damaged(
    school: httpx.Client, tmp_path: Path, samples: Path
) -> None:
    face = face_of(detect(school, samples / "photos" / "group.jpg"), OBAMA)
    school.delete(f"/v1/students/{OBAMA}/learned-faces").raise_for_status()
    (path,) = tmp_path.rglob(DATABASE_FILE)
    database = sqlite3.connect(path)
    with database:
        database.execute("UPDATE templates SET embeddings = substr(embeddings, 1, 8)")
    database.close()
    assert named(school, face, OBAMA).status_code == 200
    proposals = {"faces": [{"face_id": face, "student_id": OBAMA}]}
    assert school.post("/v1/sessions/monday/faces/confirmed", json=proposals).status_code == 200


def test_where_a_student_was_is_told_to_those_alone_who_may_see_the_group() -> None:
    known = LearnedFace(
        FaceId("f-0"), SessionId("monday"), GroupId("7b"), datetime(2026, 9, 1, tzinfo=UTC), UserId("t")
    )
    for groups, told in ((None, True), (frozenset([GroupId("7b")]), True), (frozenset([GroupId("8a")]), False)):
        (item,) = LearnedFacesDocument.of("s1", [known], groups).items
        assert item.face_id == "f-0"
        assert [value is not None for value in (item.session_id, item.group_id, item.learned_at, item.by)] == [told] * 4


@pytest.mark.parametrize("mode", [LearningMode.CONFIRMED, LearningMode.OFF])
def test_learning_is_limited_to_confirmed_faces_or_turned_off(
    tmp_path: Path, vision: VisionPipeline, samples: Path, mode: LearningMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_LEARN", mode.value)
    system = LocalBackend(tmp_path / "store", LocalSettings(), vision).services
    with serving(create_app(system)) as url, httpx.Client(base_url=url, timeout=600) as client:
        for student_id in (OBAMA, BIDEN):
            register(client, samples, student_id)
        face = face_of(detect(client, samples / "photos" / "group.jpg"), OBAMA)
        assert learned(client) == []
        assert named(client, face, OBAMA).status_code == 200
        assert len(learned(client)) == (mode is LearningMode.CONFIRMED)
        answer = named(client, face, OBAMA, learn=True)
        if mode is LearningMode.OFF:
            assert code_of(answer, 409) == "learning_off"
            assert learned(client) == []
        else:
            assert answer.status_code == 200


def test_one_learned_face_is_removed_by_a_teacher_of_the_student_after_its_session_is_gone(
    school: httpx.Client, system: LocalServices, samples: Path
) -> None:
    detect(school, samples / "photos" / "group.jpg")
    detect(school, samples / "photos" / "dim.jpg", session="tuesday")
    faces = [face["face_id"] for face in learned(school)]
    for session in system.stores.sessions.of_group(GroupId("7b")):
        system.stores.sessions.remove(session.id)
    (outsider,) = [system.users.add(User(UserId("bob"), Role.TEACHER), [GroupId("9c")])]
    teacher = system.users.add(User(UserId("ada"), Role.TEACHER), [GroupId("7b")])
    url = f"/v1/students/{OBAMA}/learned-faces"
    for method, path in (("GET", url), ("DELETE", url), ("DELETE", f"{url}/{faces[0]}")):
        answer = school.request(method, path, headers={"Authorization": f"Bearer {outsider}"})
        assert code_of(answer, 403) == "not_allowed"
    school.headers["Authorization"] = f"Bearer {teacher}"
    assert [face["face_id"] for face in learned(school)] == faces
    assert school.delete(f"{url}/{faces[0]}").json() == {"student_id": OBAMA, "removed": 1}
    assert code_of(school.delete(f"{url}/{faces[0]}"), 404) == "face_not_found"
    assert [face["face_id"] for face in learned(school)] == faces[1:]


def test_learned_faces_are_listed_and_forgotten_at_the_command_line(
    school: httpx.Client, tmp_path: Path, samples: Path
) -> None:
    detect(school, samples / "photos" / "group.jpg")
    detect(school, samples / "photos" / "dim.jpg", session="tuesday")

    def muster(*arguments: str, exit_code: int = 0) -> str:
        done = CliRunner().invoke(app, ["students", *arguments, "--data", str(tmp_path / "store")])
        assert done.exit_code == exit_code, done.output
        return done.output

    listed = json.loads(muster("learned-faces", OBAMA, "--json"))
    assert listed["items"] == learned(school)
    assert "automatically" in muster("learned-faces", OBAMA)
    assert "registration photo only" in muster("learned-faces", BIDEN)
    first, second = (face["face_id"] for face in listed["items"])
    assert "1 learned face" in muster("forget-faces", OBAMA, first)
    assert [face["face_id"] for face in learned(school)] == [second]
    muster("forget-faces", OBAMA, first, exit_code=1)
    muster("forget-faces", OBAMA, exit_code=2)
    assert [face["face_id"] for face in learned(school)] == [second]
    assert json.loads(muster("forget-faces", OBAMA, "--yes", "--json")) == {"student_id": OBAMA, "removed": 1}
    assert learned(school) == []
