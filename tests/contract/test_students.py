"""The contract of every store of students."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from muster.domain.errors import InvalidRequest, StudentExists, StudentNotFound
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.student import Consent
from tests.contract.examples import (
    NOW,
    a_photo,
    a_student,
    a_template,
    assert_same_template,
    learn,
    register,
)
from tests.contract.places import Place, Stores

S1 = StudentId("s1")


def test_a_student_comes_back_as_stored(stores: Stores) -> None:
    student = replace(
        a_student("s1", name="Ada Lovelace", groups=["maths", "physics"]),
        consent=Consent(NOW, "2026-1", withdrawn_at=NOW + timedelta(days=3, microseconds=1)),
        version=7,
    )
    template = a_template("s1", views=16)
    stores.students.add(student, template, b"\x00\xffphoto")

    assert stores.students.get(S1) == student
    assert stores.students.find() == [student]
    assert_same_template(stores.students.template(S1), template)
    assert stores.students.photo(S1) == b"\x00\xffphoto"


def test_what_is_stored_is_there_when_opened_again(place: Place, stores: Stores) -> None:
    register(stores, "s1")
    again = place.open()
    assert again.students.get(S1) == a_student("s1")
    assert_same_template(again.students.template(S1), a_template("s1"))
    assert again.students.photo(S1) == a_photo("s1")


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Åström",
        "李小龍",
        "محمد",
        "दीपिका",
        "Ἀριστοτέλης",
        "Nguyễn Thị Minh Khai",
        "O'Brien; DROP",
        "👩‍🎓",
        "a" * 200,
    ],
)
def test_names_of_any_script_are_kept(stores: Stores, name: str) -> None:
    stores.students.add(a_student("s1", name=name), a_template("s1"), b"x")
    assert stores.students.get(S1).name == name


def test_leading_zeros_make_another_id(stores: Stores) -> None:
    register(stores, "7", "07", "007")
    assert [student.id for student in stores.students.find()] == ["007", "07", "7"]
    assert stores.students.photo(StudentId("07")) == a_photo("07")


def test_ids_that_differ_by_case_are_different_students(stores: Stores) -> None:
    register(stores, "ab", "AB", "Ab")
    for id in ("ab", "AB", "Ab"):
        assert stores.students.photo(StudentId(id)) == a_photo(id)
        assert_same_template(stores.students.template(StudentId(id)), a_template(id))
    stores.students.erase(StudentId("AB"))
    assert stores.students.photo(StudentId("ab")) == a_photo("ab")


def test_a_taken_id_is_refused_and_nothing_changes(stores: Stores) -> None:
    register(stores, "s1")
    version = stores.students.roster_version()
    with pytest.raises(StudentExists):
        stores.students.add(a_student("s1", name="Eve", groups=["other"]), a_template("other"), b"other")
    assert stores.students.get(S1) == a_student("s1")
    assert_same_template(stores.students.template(S1), a_template("s1"))
    assert stores.students.photo(S1) == a_photo("s1")
    assert stores.students.find(GroupId("other")) == []
    assert stores.students.roster_version() == version


def test_groups_hold_their_students_in_order_of_id(stores: Stores) -> None:
    register(stores, "c", "a", groups=["g", "h"])
    register(stores, "b", groups=["g"])
    assert [s.id for s in stores.students.find(GroupId("g"))] == ["a", "b", "c"]
    assert [t.student_id for t in stores.students.templates(GroupId("g"))] == ["a", "b", "c"]
    assert [s.id for s in stores.students.find(GroupId("h"))] == ["a", "c"]
    assert [t.student_id for t in stores.students.templates(GroupId("h"))] == ["a", "c"]
    assert [t.student_id for t in stores.students.templates()] == ["a", "b", "c"]


def test_a_group_that_begins_like_another_is_not_that_group(stores: Stores) -> None:
    register(stores, "a", groups=["7"])
    register(stores, "b", groups=["7b"])
    register(stores, "c", groups=["7.b"])
    assert [s.id for s in stores.students.find(GroupId("7"))] == ["a"]


def test_nobody_is_an_empty_list(stores: Stores) -> None:
    assert stores.students.find() == []
    assert stores.students.find(GroupId("g")) == []
    assert stores.students.templates() == []
    assert stores.students.templates(GroupId("g")) == []


def test_an_unknown_id_is_not_found_by_any_method(stores: Stores) -> None:
    for method in (
        stores.students.get,
        stores.students.template,
        stores.students.photo,
        stores.students.erase,
    ):
        with pytest.raises(StudentNotFound):
            method(S1)


def test_templates_keep_their_pack(stores: Stores) -> None:
    stores.students.add(a_student("s1"), a_template("s1", pack=PackId("cloud")), b"x")
    assert stores.students.template(S1).pack == "cloud"


def test_a_template_of_another_form_is_refused_whole(stores: Stores) -> None:
    wrong = replace(a_template("s1"), embeddings=np.zeros((4, 512), np.float64))
    with pytest.raises(ValueError, match="float32"):
        stores.students.add(a_student("s1"), wrong, b"x")
    assert stores.students.find() == []


def test_the_roster_version_changes_with_the_members_of_the_group_alone(stores: Stores) -> None:
    def versions() -> tuple[str, str, str]:
        versions_of = stores.students.roster_version
        return versions_of(GroupId("g")), versions_of(GroupId("h")), versions_of()

    seen = [versions()]
    register(stores, "a", groups=["g"])
    seen.append(versions())
    register(stores, "b", groups=["g", "h"])
    seen.append(versions())
    stores.students.erase(StudentId("a"))
    seen.append(versions())
    register(stores, "a", groups=["g"])
    seen.append(versions())

    in_g, in_h, overall = zip(*seen, strict=True)
    assert len(set(in_g)) == 5
    assert len(set(overall)) == 5
    assert in_h[0] == in_h[1] != in_h[2] == in_h[3] == in_h[4]
    assert versions() == seen[-1]


def test_an_erased_student_is_gone_and_the_id_is_free(stores: Stores) -> None:
    register(stores, "s1", "s2")
    stores.students.erase(S1)
    for method in (stores.students.get, stores.students.template, stores.students.photo, stores.students.erase):
        with pytest.raises(StudentNotFound):
            method(S1)
    assert [s.id for s in stores.students.find()] == ["s2"]
    assert [t.student_id for t in stores.students.templates(GroupId("g"))] == ["s2"]

    stores.students.add(a_student("s1", name="Somebody else"), a_template("else"), b"new photo")
    assert stores.students.get(S1).name == "Somebody else"
    assert stores.students.photo(S1) == b"new photo"
    np.testing.assert_array_equal(stores.students.template(S1).embeddings, a_template("else").embeddings)


def test_a_student_may_be_in_many_groups(stores: Stores) -> None:
    groups = [f"course-{number:03}" for number in range(40)]
    register(stores, "s1", groups=groups)
    assert stores.students.get(S1).groups == frozenset(groups)
    assert [s.id for s in stores.students.find(GroupId("course-039"))] == ["s1"]
    stores.students.erase(S1)
    assert stores.students.find(GroupId("course-039")) == []


def test_a_student_of_too_many_groups_is_refused_whole(stores: Stores) -> None:
    with pytest.raises(InvalidRequest, match="40 groups"):
        register(stores, "s1", groups=[f"course-{number:03}" for number in range(41)])
    assert stores.students.find() == []


@pytest.mark.large
def test_the_gallery_of_two_hundred_students_comes_whole_and_in_order(stores: Stores) -> None:
    ids = [f"s{number:03}" for number in range(200)]
    for id in ids:
        stores.students.add(a_student(id), a_template(id, views=16), b"x")
    templates = stores.students.templates(GroupId("g"))
    assert [template.student_id for template in templates] == ids
    assert_same_template(templates[123], a_template("s123", views=16))


@pytest.mark.parametrize("width", [192, 512, 704])
def test_templates_of_any_width_come_back_as_they_were(stores: Stores, width: int) -> None:
    rows = np.random.default_rng(width).normal(size=(4, width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    stores.students.add(a_student("s1"), replace(a_template("s1"), embeddings=rows), b"x")
    np.testing.assert_array_equal(stores.students.template(S1).embeddings, rows)
    assert learn(stores, "s1", "f1", rows[1])
    np.testing.assert_array_equal(stores.students.template(S1).embeddings, np.concatenate([rows, rows[1:2]]))
