"""Templates of another model pack beside those in use, and the switch to them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from muster.domain.errors import PackMismatch, VersionConflict
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.learning import NewFace
from muster.domain.student import LearnedFace, StudentState, Template
from muster.recognition.scoring import Population
from muster.services.caches.galleries import Galleries
from muster.services.caches.school import School
from tests.contract.examples import (
    NOW,
    PACK,
    a_photo,
    a_row,
    a_student,
    a_template,
    assert_same_template,
    learn,
    mark,
    open_session,
    register,
)
from tests.contract.places import Stores

NEW = PackId("other-1")
A, B = StudentId("a"), StudentId("b")
GROUP = GroupId("g")


def a_new_template(id: str) -> Template:
    """The same student by the other pack, with embeddings of another length."""
    return a_template(id, pack=NEW, width=192)


def stage(stores: Stores, *ids: str) -> None:
    for id in ids:
        stores.staging.stage(a_new_template(id))


def packs_in_use(stores: Stores) -> dict[str, str]:
    return {template.student_id: template.pack for template in stores.students.templates()}


def gallery(stores: Stores, pack: PackId, width: int) -> Any:
    identity = np.eye(width, dtype=np.float32)
    population = Population.from_network(np.zeros(width, np.float32), identity)
    return Galleries(stores.students, pack, population, stores.staging).of(GROUP).gallery


def test_a_staged_template_changes_nothing_that_is_in_use(stores: Stores) -> None:
    register(stores, "a", "b")
    before = stores.students.templates()
    stage(stores, "a")

    assert stores.staging.staged(NEW) == {A: a_template("a").photo_digest}
    assert stores.staging.staged(PackId("third")) == {}
    assert stores.staging.packs() == {PACK}
    (found,) = stores.staging.find(NEW, [A, B])
    assert_same_template(found, a_new_template("a"))
    assert stores.staging.find(NEW, [B]) == []
    for template, unchanged in zip(stores.students.templates(), before, strict=True):
        assert_same_template(template, unchanged)


def test_staging_ignores_students_who_are_not_registered(stores: Stores) -> None:
    stage(stores, "nobody")
    assert stores.staging.staged(NEW) == {}


def test_the_switch_replaces_every_template_and_renews_the_rosters(stores: Stores) -> None:
    register(stores, "a", "b")
    assert learn(stores, "a", "face")
    stage(stores, "a", "b")
    version = stores.students.roster_version(GROUP)

    assert stores.staging.switch(NEW, []) == 2

    assert stores.students.roster_version(GROUP) != version
    assert stores.staging.packs() == {NEW}
    for template in stores.students.templates(GROUP):
        assert_same_template(template, a_new_template(template.student_id))
    assert stores.staging.switch(NEW, []) == 0


def test_a_student_registered_in_between_stops_the_switch(stores: Stores) -> None:
    register(stores, "a")
    stage(stores, "a")
    register(stores, "b")
    with pytest.raises(VersionConflict, match=r"^b was registered during"):
        stores.staging.switch(NEW, [])
    assert packs_in_use(stores) == {"a": PACK, "b": PACK}


def test_a_template_of_an_earlier_photo_is_not_used(stores: Stores) -> None:
    register(stores, "a")
    stores.staging.stage(replace(a_new_template("a"), photo_digest="0" * 64))
    with pytest.raises(VersionConflict):
        stores.staging.switch(NEW, [])


def test_who_is_left_out_stays_on_the_roster_without_photo_and_consent(stores: Stores) -> None:
    register(stores, "a", "b")
    session = open_session(stores, "a", "b")
    stores.sessions.amend(session, stores.sessions.get(session).version, marks=[mark("b")])
    stage(stores, "a")

    assert stores.staging.switch(NEW, [B]) == 1

    left = stores.students.get(B)
    assert (left.state, left.consent, left.groups) == (StudentState.ENROLLED, None, frozenset({GROUP}))
    assert [student.id for student in stores.students.find(GROUP)] == [A, B]
    assert packs_in_use(stores) == {"a": NEW}
    assert {found.student_id for found in stores.sessions.marks(session)} == {A, B}
    again = replace(a_student("b"), version=left.version + 1)
    stores.students.add(again, a_new_template("b"), a_photo("b"))
    assert packs_in_use(stores) == {"a": NEW, "b": NEW}


@pytest.mark.parametrize("switched", [False, True])
def test_withdrawal_and_erasure_remove_the_templates_of_both_packs(stores: Stores, switched: bool) -> None:
    register(stores, "a", "b")
    stage(stores, "a", "b")
    if switched:
        stores.staging.switch(NEW, [])
    stores.students.withdraw(A, NOW)
    stores.students.erase(B)
    assert stores.staging.staged(NEW) == stores.staging.staged(PACK) == {}
    assert stores.staging.find(PACK, [A, B]) == stores.staging.find(NEW, [A, B]) == []
    assert stores.students.traces(B) == []
    register(stores, "b")
    assert stores.staging.staged(NEW) == {}


def test_staged_templates_can_be_deleted(stores: Stores) -> None:
    register(stores, "a", "b")
    stage(stores, "a", "b")
    assert stores.staging.delete() == 2
    assert stores.staging.staged(NEW) == {}
    assert stores.staging.delete() == 0


def test_a_template_learns_no_face_of_another_pack(stores: Stores) -> None:
    register(stores, "a")
    other = NewFace(A, LearnedFace("face", learned_at=NOW), a_row("x"), NEW)  # type: ignore[arg-type]
    assert stores.students.learn([other]) == set()
    assert stores.students.learn([replace(other, pack=PACK)]) == {A}


def test_both_packs_find_everyone_before_and_after_the_switch(stores: Stores) -> None:
    register(stores, "a", "b")
    stage(stores, "a")
    assert gallery(stores, PACK, 512).student_ids == (A, B)
    with pytest.raises(PackMismatch, match=r"^Student b was registered"):
        gallery(stores, NEW, 192)
    stage(stores, "b")
    for _ in range(2):
        found = gallery(stores, NEW, 192)
        assert (found.student_ids, found.embeddings.shape) == ((A, B), (8, 192))
        stores.staging.switch(NEW, [])


EXACT, INT8 = PackId("embedded-2"), PackId("embedded-2.int8")
WIDTH = 704


def a_template_of(id: str, pack: PackId) -> Template:
    return a_template(id, pack=pack, width=WIDTH)


def register_with(stores: Stores, id: str, pack: PackId) -> None:
    stores.students.add(a_student(id), a_template_of(id, pack), a_photo(id))


def test_templates_of_packs_that_mix_are_one_gallery_and_learn_from_either(stores: Stores) -> None:
    register_with(stores, "a", EXACT)
    register_with(stores, "b", INT8)
    row = np.eye(1, WIDTH, dtype=np.float32)[0]
    learned = NewFace(A, LearnedFace("face", learned_at=NOW), row, INT8)  # type: ignore[arg-type]
    assert stores.students.learn([learned]) == {A}
    assert stores.students.template(A).pack == EXACT
    for pack in (EXACT, INT8):
        found = gallery(stores, pack, WIDTH)
        assert (found.student_ids, found.embeddings.shape) == ((A, B), (9, WIDTH))
        identity = np.eye(WIDTH, dtype=np.float32)
        population = Population.from_network(np.zeros(WIDTH, np.float32), identity)
        assert set(School(stores.students, pack, population, stores.staging).current().student_ids) == {A, B}
    assert stores.staging.packs() == {EXACT, INT8}
    # There is nothing to switch.
    assert stores.staging.switch(INT8, []) == 0
    assert packs_in_use(stores) == {"a": EXACT, "b": INT8}
    assert stores.students.learn([replace(learned, pack=PackId("embedded-3.int8"))]) == set()


def test_a_pack_goes_back_to_staged_templates_that_it_can_use(stores: Stores) -> None:
    register(stores, "a", "b")
    stores.staging.stage(a_template_of("a", EXACT))
    stores.staging.stage(a_template_of("b", INT8))
    digests = {id: a_template(id).photo_digest for id in "ab"}
    assert stores.staging.staged(INT8) == stores.staging.staged(EXACT) == digests
    assert {template.pack for template in stores.staging.find(INT8, [A, B])} == {EXACT, INT8}
    assert gallery(stores, INT8, WIDTH).student_ids == (A, B)
    assert stores.staging.switch(INT8, []) == 2
    assert packs_in_use(stores) == {"a": EXACT, "b": INT8}
