"""The school as the search for duplicates reads it: it always agrees with the templates, and changes part by part."""

import numpy as np
import pytest

from muster.domain.errors import PackMismatch
from muster.domain.identifiers import FaceId, PackId, StudentId
from muster.recognition.duplicates import find_same_person
from muster.recognition.scoring import Population
from muster.recognition.thresholds import DUPLICATE_THRESHOLDS
from muster.services.caches.school import School
from tests.contract.examples import (
    NOW,
    PACK,
    a_photo,
    a_student,
    a_template,
    enrol,
    learn,
    register,
)
from tests.contract.places import Stores

WIDTH = 512
A, B = StudentId("a"), StudentId("b")
POPULATION = Population.from_network(np.zeros(WIDTH, np.float32), np.eye(WIDTH, 8, dtype=np.float32) * 0.1)


def school_of(stores: Stores) -> School:
    return School(stores.students, PACK, POPULATION)


def found(stores: Stores, school: School, id: str) -> StudentId | None:
    """Search for a person by the unchanged view of their registration photo."""
    return find_same_person(a_template(id).embeddings[0], school.current(), DUPLICATE_THRESHOLDS)


def assert_agrees_with_the_templates(stores: Stores) -> None:
    parts = stores.students.school_parts()
    views = stores.students.mean_views(parts)
    indexed = {view.student_id: view for part in views.values() for view in part}
    templates = {template.student_id: template for template in stores.students.templates()}
    assert indexed.keys() == templates.keys()
    for id, template in templates.items():
        assert indexed[id].pack == template.pack
        np.testing.assert_allclose(indexed[id].embedding, template.mean_view().embedding, atol=1e-4)


def test_every_change_of_a_template_changes_the_school_and_its_version(stores: Stores) -> None:
    versions = [stores.students.school_parts()]

    def assert_changed() -> None:
        assert_agrees_with_the_templates(stores)
        versions.append(stores.students.school_parts())
        assert versions[-1] not in versions[:-1]

    assert_agrees_with_the_templates(stores)
    register(stores, "a", "b", "c")
    assert_changed()
    learn(stores, "a", "face")
    assert_changed()
    learn(stores, "b", "other", automatic=True)
    assert_changed()
    stores.students.unlearn(A, FaceId("face"))
    assert_changed()
    stores.students.withdraw(B, NOW)
    assert_changed()
    stores.students.erase(A)
    assert_changed()


def test_people_are_found_from_their_registration_until_they_leave(stores: Stores) -> None:
    school = school_of(stores)
    assert found(stores, school, "a") is None
    register(stores, "a", "b", "c")
    enrol(stores, "d")
    assert [found(stores, school, id) for id in "abcd"] == ["a", "b", "c", None]
    stores.students.erase(A)
    stores.students.withdraw(B, NOW)
    assert [found(stores, school, id) for id in "abc"] == [None, None, "c"]
    assert school.current().student_ids == ("c",)


def test_a_student_of_another_pack_is_refused_by_name(stores: Stores) -> None:
    other = PackId("other")
    stores.students.add(a_student("a"), a_template("a", pack=other), a_photo("a"))
    with pytest.raises(PackMismatch, match="Student a "):
        school_of(stores).current()
