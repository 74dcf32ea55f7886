"""Learned faces can be removed when nothing else is left by which they could be undone."""

import numpy as np
import pytest

from muster.domain.errors import NotRegistered, StudentNotFound
from muster.domain.identifiers import StudentId
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from tests.contract.examples import a_template, enrol, learn, open_session, register
from tests.contract.places import Stores


def roster(stores: Stores) -> Roster:
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return Roster(
        students=stores.students,
        heads=stores.heads,
        groups=groups,
        idempotency=stores.idempotency,
        uploads=None,
        request_training=stores.training.request,
    )


def test_faces_learned_in_a_session_that_retention_removed_are_forgotten_on_request(stores: Stores) -> None:
    register(stores, "a", "b")
    for face in ("one", "two"):
        learn(stores, "a", face)
    Groups(stores.groups, stores.students, stores.sessions).ensure(["g"])  # type: ignore[list-item]
    session = open_session(stores, "a")
    Retention(stores.groups, stores.sessions, RetentionLimits(1, 1)).run()
    assert session not in [found.id for found in stores.sessions.of_group("g")]  # type: ignore[arg-type]
    assert stores.students.template(StudentId("a")).learned_ids == ("one", "two")

    assert roster(stores).forget_faces(StudentId("a")) == 2
    left = stores.students.template(StudentId("a"))
    assert left.learned == ()
    np.testing.assert_array_equal(left.embeddings, a_template("a").embeddings)
    assert stores.training.state().dirty
    assert roster(stores).forget_faces(StudentId("a")) == 0


def test_a_student_without_a_template_has_none_to_forget(stores: Stores) -> None:
    enrol(stores, "a")
    with pytest.raises(NotRegistered):
        roster(stores).forget_faces(StudentId("a"))
    with pytest.raises(StudentNotFound):
        roster(stores).forget_faces(StudentId("nobody"))
