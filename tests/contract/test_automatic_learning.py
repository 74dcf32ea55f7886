"""Roll calls teach templates over every kind of store: what is learned, what is not, and how it is undone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.errors import FaceNotFound, StoreBusy
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PhotoId, StudentId
from muster.domain.learning import LearningMode, NewFace
from muster.domain.student import Consent, LearnedFace
from muster.recognition.gallery import Gallery
from muster.recognition.scoring import Population, PreparedGallery
from muster.services.learning.automatic import CERTAIN, AutomaticLearning, ReadPhoto
from muster.services.roll_call.corrections import Corrections
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from tests.contract.examples import (
    NOW,
    PACK,
    TEACHER,
    a_face,
    a_photo,
    a_session,
    a_session_photo,
    a_student,
    a_template,
    learn,
    mark,
)
from tests.contract.places import Stores
from tests.contract.retraining import Asked

ADA, BOB = StudentId("ada"), StudentId("bob")


@pytest.fixture
def monday(stores: Stores) -> Session:
    """A roll call of Ada and Bob, who consented to learning."""
    for id in ("ada", "bob"):
        student = replace(a_student(id), consent=Consent(NOW, "2026-2"))
        stores.students.add(student, a_template(id), a_photo(id))
    session = a_session()
    stores.sessions.create(session, [ADA, BOB])
    return session


def gallery(stores: Stores) -> PreparedGallery:
    """The group's gallery in a population in which a cosine of 1 is a score of 10."""
    found = Gallery.from_templates(stores.students.templates(GroupId("g")), PACK)
    even = np.cbrt(1 / (10.0**2 * np.sqrt(512)))
    flat = Population.from_network(np.zeros(512, np.float32), even * np.eye(512, dtype=np.float32))
    means = found.mean_views()
    return PreparedGallery(found, flat, flat.project(means / np.linalg.norm(means, axis=1, keepdims=True)))


def like(student: str, cosine: float, kind: int = 0) -> NDArray[np.float32]:
    """An embedding with this cosine to the mean of a student's views."""
    mean = a_template(student).embeddings.mean(axis=0)
    mean /= np.linalg.norm(mean)
    other = a_template(f"direction {kind}").embeddings[0]
    other = other - mean * (other @ mean)
    return np.asarray(cosine * mean + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other), np.float32)


def certain(student: str, number: int = 0, log_odds: float | None = CERTAIN) -> IdentifiedFace:
    return replace(a_face(student, number=number), log_odds=log_odds)


def teach(
    stores: Stores,
    session: Session,
    faces: Sequence[tuple[IdentifiedFace, NDArray[np.float32]]],
    *,
    asked: Asked | None = None,
    id: str = "p1",
    fit: bool = True,
    mode: LearningMode = LearningMode.AUTOMATIC,
    shown: PreparedGallery | None = None,
) -> None:
    """Record a photo with these faces as `RollCalls` does, then learn from it."""
    before = stores.sessions.photos(session.id)
    photo = a_session_photo(session.id, *(face for face, _ in faces), id=id)
    status = {Decision.PRESENT: MarkStatus.PRESENT, Decision.REVIEW: MarkStatus.REVIEW}
    marks = [
        Mark(face.student_id, status[face.decision], MarkSource.PHOTO, NOW)
        for face, _ in faces
        if face.student_id is not None
    ]
    stores.sessions.record_photo(photo, b"original", marks)
    (kept,) = [found for found in stores.sessions.photos(session.id) if found.id == photo.id]
    embeddings = np.array([embedding for _, embedding in faces], np.float32)
    learning(stores, mode, asked).learn(
        session,
        [ReadPhoto(kept, embeddings, np.full(len(faces), fit))],
        before,
        shown or gallery(stores),
        {student.id: student for student in stores.students.find(session.group_id)},
        stores.sessions.marks(session.id),
    )


def learning(stores: Stores, mode: LearningMode, asked: Asked | None = None) -> AutomaticLearning:
    return AutomaticLearning(stores.students, stores.sessions, mode, asked or Asked(), lambda: NOW)


def learned(stores: Stores, student: StudentId = ADA) -> tuple[FaceId, ...]:
    return stores.students.template(student).learned_ids


def test_certain_faces_of_a_roll_call_are_learned_with_one_request_for_training(
    stores: Stores, monday: Session, asked: Asked
) -> None:
    faces = [(certain("ada", 0), like("ada", 0.6)), (certain("bob", 1), like("bob", 0.7))]
    teach(stores, monday, faces, asked=asked)
    expected = LearnedFace(FaceId("face-0"), monday.id, GroupId("g"), NOW, automatic=True)
    template = stores.students.template(ADA)
    assert template.learned == (expected,)
    np.testing.assert_allclose(template.embeddings[-1], like("ada", 0.6), atol=1e-6)
    assert learned(stores, BOB) == ("face-1",)
    assert asked.times == 1


@pytest.mark.parametrize(
    ("face", "embedding"),
    [
        (certain("ada", log_odds=CERTAIN - 0.01), like("ada", 0.6)),
        (certain("ada", log_odds=None), like("ada", 0.6)),
        (replace(certain("ada"), decision=Decision.REVIEW), like("ada", 0.6)),
        # The face alone says too little: the photo's other faces made it certain.
        (certain("ada"), like("ada", 0.3)),
        # It resembles Bob more.
        (certain("ada"), like("bob", 0.7)),
        # The template knows it nearly.
        (certain("ada"), a_template("ada").embeddings[0]),
    ],
)
def test_a_face_that_is_not_certain_plausible_and_new_is_not_learned(
    stores: Stores, monday: Session, asked: Asked, face: IdentifiedFace, embedding: NDArray[np.float32]
) -> None:
    teach(stores, monday, [(face, embedding)], asked=asked)
    assert learned(stores) == ()
    assert asked.times == 0


@pytest.mark.parametrize("mode", [LearningMode.CONFIRMED, LearningMode.OFF])
def test_nothing_is_learned_where_that_is_turned_off_or_the_face_is_poor(
    stores: Stores, monday: Session, mode: LearningMode
) -> None:
    teach(stores, monday, [(certain("ada"), like("ada", 0.6))], mode=mode)
    teach(stores, monday, [(certain("ada", 1), like("ada", 0.6))], id="p2", fit=False)
    assert learned(stores) == ()


def test_students_whose_consent_speaks_of_one_photo_are_not_learned(stores: Stores, monday: Session) -> None:
    earlier = replace(a_student("cy"), consent=Consent(NOW, "2026-1"))
    stores.students.add(earlier, a_template("cy"), a_photo("cy"))
    teach(stores, monday, [(certain("cy"), like("cy", 0.6))])
    assert learned(stores, StudentId("cy")) == ()


def test_a_session_teaches_one_face_per_student_the_best_of_a_request(stores: Stores, monday: Session) -> None:
    poor, good = replace(certain("ada", 0), quality=0.4), replace(certain("ada", 1), quality=0.9)
    photos = [a_session_photo(monday.id, poor, id="p1"), a_session_photo(monday.id, good, id="p2")]
    read = []
    for kind, photo in enumerate(photos):
        stores.sessions.record_photo(photo, b"o", [mark("ada")])
        read.append(ReadPhoto(photo, like("ada", 0.6, kind)[None], np.array([True])))
    students = {student.id: student for student in stores.students.find()}
    marks = stores.sessions.marks(monday.id)
    learning(stores, LearningMode.AUTOMATIC).learn(monday, read, [], gallery(stores), students, marks)
    assert learned(stores) == ("face-1",)
    teach(stores, monday, [(certain("ada", 2), like("ada", 0.6, 2))], id="p3")
    assert learned(stores) == ("face-1",)


def test_a_photo_sent_again_teaches_nothing_again(stores: Stores, monday: Session, asked: Asked) -> None:
    faces = [(certain("ada"), like("ada", 0.6))]
    teach(stores, monday, faces, asked=asked)
    teach(stores, monday, faces, asked=asked)
    assert learned(stores) == ("face-0",)
    stores.students.unlearn(ADA, FaceId("face-0"))
    teach(stores, monday, faces, asked=asked)
    assert learned(stores) == ()
    assert asked.times == 1


def test_one_photo_read_by_two_processes_at_once_is_learned_once(stores: Stores, monday: Session) -> None:
    photo = a_session_photo(monday.id, certain("ada"))
    stores.sessions.record_photo(photo, b"o", [mark("ada")])
    read = [ReadPhoto(photo, like("ada", 0.6)[None], np.array([True]))]
    students = {student.id: student for student in stores.students.find()}
    prepared, marks = gallery(stores), stores.sessions.marks(monday.id)

    def run(_: int) -> None:
        learning(stores, LearningMode.AUTOMATIC).learn(monday, read, [], prepared, students, marks)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert learned(stores) == ("face-0",)


def test_a_photo_read_again_with_another_result_loses_what_it_taught(
    stores: Stores, monday: Session, asked: Asked
) -> None:
    teach(stores, monday, [(certain("ada"), like("ada", 0.6))], asked=asked)
    teach(stores, monday, [(a_face(None), like("ada", 0.6))], asked=asked)
    assert learned(stores) == ()
    assert asked.times == 2


def test_who_is_marked_absent_by_hand_is_not_learned_from_a_later_photo(stores: Stores, monday: Session) -> None:
    Corrections(stores.students, stores.sessions, Asked()).mark(monday.id, {ADA: MarkStatus.ABSENT}, TEACHER)
    teach(stores, monday, [(certain("ada"), like("ada", 0.6))])
    assert learned(stores) == ()


@pytest.mark.parametrize("undo", ["renamed", "unnamed", "absent", "excused", "photo", "session"])
def test_what_was_learned_goes_with_the_mark_the_name_the_photo_or_the_session(
    stores: Stores, monday: Session, asked: Asked, undo: str
) -> None:
    teach(stores, monday, [(certain("ada", 0), like("ada", 0.6)), (certain("bob", 1), like("bob", 0.6))])
    corrections = Corrections(stores.students, stores.sessions, asked)
    face = FaceId("face-0")
    if undo == "renamed":
        corrections.name(monday.id, face, BOB, TEACHER)
    elif undo == "unnamed":
        corrections.name(monday.id, face, None, TEACHER)
    elif undo in ("absent", "excused"):
        corrections.mark(monday.id, {ADA: MarkStatus(undo)}, TEACHER)
    elif undo == "photo":
        corrections.remove_photo(monday.id, PhotoId("p1"), TEACHER)
    else:
        corrections.remove(monday.id)
    assert learned(stores) == ()
    # Bob has the other face, which the naming took from him.
    assert learned(stores, BOB) == (() if undo in ("renamed", "photo", "session") else ("face-1",))
    assert asked.times == 1


class Overtaken:
    """A session store in which someone corrects the roll call while templates learn from it."""

    def __init__(self, stores: Stores, session: Session, gone: bool) -> None:
        self._stores, self._session, self._gone = stores, session, gone

    def photos(self, session_id: object) -> list[SessionPhoto]:
        if self._gone:
            self._stores.sessions.remove(self._session.id)
        return [replace(photo, faces=(a_face(None),)) for photo in self._stores.sessions.photos(self._session.id)]

    def marks(self, session_id: object) -> list[Mark]:
        return self._stores.sessions.marks(self._session.id)


@pytest.mark.parametrize("gone", [False, True])
def test_a_correction_at_the_same_moment_wins(stores: Stores, monday: Session, gone: bool) -> None:
    photo = a_session_photo(monday.id, certain("ada"))
    stores.sessions.record_photo(photo, b"o", [mark("ada")])
    overtaken = Overtaken(stores, monday, gone)
    students = {student.id: student for student in stores.students.find()}
    AutomaticLearning(stores.students, overtaken, LearningMode.AUTOMATIC, Asked()).learn(  # type: ignore[arg-type]
        monday,
        [ReadPhoto(photo, like("ada", 0.6)[None], np.array([True]))],
        [],
        gallery(stores),
        students,
        [mark("ada")],
    )
    assert learned(stores) == ()


def test_learning_between_the_two_halves_of_a_correction_is_undone_too(stores: Stores, monday: Session) -> None:
    """The name is still there when the template learns, and gone a moment later."""
    stores.sessions.record_photo(a_session_photo(monday.id, certain("ada")), b"o", [mark("ada")])
    unlearn = stores.students.unlearn

    class LearnsInBetween:
        def unlearn(self, student_id: StudentId, face_id: FaceId) -> bool:
            gone = unlearn(student_id, face_id)
            if stores.sessions.photos(monday.id)[0].faces[0].student_id == "ada":
                learn(stores, "ada", "face-0", automatic=True)
            return gone

    Corrections(LearnsInBetween(), stores.sessions, Asked()).name(  # type: ignore[arg-type]
        monday.id, FaceId("face-0"), None, TEACHER
    )
    assert learned(stores) == ()


def test_a_store_that_is_busy_costs_the_learning_and_nothing_else(
    stores: Stores, monday: Session, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    class Busy:
        def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
            raise StoreBusy("Try again.")

    photo = a_session_photo(monday.id, certain("ada"))
    students = {student.id: student for student in stores.students.find()}
    AutomaticLearning(Busy(), stores.sessions, LearningMode.AUTOMATIC, asked).learn(  # type: ignore[arg-type]
        monday,
        [ReadPhoto(photo, like("ada", 0.6)[None], np.array([True]))],
        [],
        gallery(stores),
        students,
        [mark("ada")],
    )
    assert asked.times == 0
    assert "nothing was learned" in caplog.text
    assert "ada" not in caplog.text


def test_a_learned_face_is_found_and_removed_after_its_session_is_gone(stores: Stores, monday: Session) -> None:
    teach(stores, monday, [(certain("ada", 0), like("ada", 0.6))])
    learn(stores, "ada", "other", session="tuesday")
    stores.sessions.remove(monday.id)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    roster = Roster(
        students=stores.students,
        heads=stores.heads,
        groups=groups,
        idempotency=stores.idempotency,
        uploads=None,
        request_training=stores.training.request,
    )
    found = roster.learned_faces(ADA)
    assert [(face.face_id, face.session_id, face.automatic, face.by) for face in found] == [
        ("face-0", "monday", True, None),
        ("other", "tuesday", False, TEACHER),
    ]
    assert roster.forget_faces(ADA, FaceId("face-0")) == 1
    assert learned(stores) == ("other",)
    with pytest.raises(FaceNotFound):
        roster.forget_faces(ADA, FaceId("face-0"))
    assert roster.forget_faces(ADA) == 1
    assert roster.learned_faces(ADA) == ()


def test_a_whole_class_learns_at_once(stores: Stores) -> None:
    ids = [f"s{number:02}" for number in range(45)]
    for id in ids:
        stores.students.add(a_student(id, groups=["g", f"course-{id}"]), a_template(id), a_photo(id))
    faces = [
        NewFace(StudentId(id), LearnedFace(FaceId(f"face of {id}"), learned_at=NOW, automatic=True), like(id, 0.5))
        for id in [*ids, "nobody"]
    ]
    before = stores.students.roster_version(GroupId("g")), stores.students.roster_version(GroupId("course-s07"))
    assert stores.students.learn(faces) == set(ids)
    assert stores.students.learn(faces) == set()
    for template in stores.students.templates():
        assert template.learned_ids == (f"face of {template.student_id}",)
        np.testing.assert_array_equal(template.embeddings[:-1], a_template(template.student_id).embeddings)
    after = stores.students.roster_version(GroupId("g")), stores.students.roster_version(GroupId("course-s07"))
    assert all(old != later for old, later in zip(before, after, strict=True))
