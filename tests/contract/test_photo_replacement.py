"""A registration photo is replaced whole or not at all, and the previous one leaves nothing behind."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from muster.domain.errors import NotRegistered, StudentNotFound, VersionConflict
from muster.domain.identifiers import FaceId, GroupId, PackId, StudentId, UserId
from muster.domain.student import PhotoChange, Student, Template
from muster.storage.local.students import LocalStudents
from tests.contract.examples import (
    NOW,
    TEACHER,
    a_photo,
    a_student,
    a_template,
    assert_same_template,
    enrol,
    learn,
    register,
)
from tests.contract.places import AwsPlace, LocalPlace, Place, Stores
from tests.contract.test_aws import Killed, Wire, everything

S1 = StudentId("s1")
OTHER = PackId("other-1")
LATER = NOW + timedelta(days=30)


def a_new_template(number: int = 0) -> Template:
    return replace(a_template(f"new {number}"), student_id=S1)


def replaced(old: Student, by: UserId = TEACHER) -> Student:
    return replace(old, photo_change=PhotoChange(LATER, by), version=old.version + 1)


def replace_photo(stores: Stores, number: int = 0) -> Student:
    old = stores.students.get(S1)
    new = replaced(old)
    stores.students.replace_photo(new, a_new_template(number), a_photo(f"new {number}"), replaces=old)
    return new


def test_photo_template_and_record_change_and_the_rest_stays(place: Place, stores: Stores) -> None:
    register(stores, "s1", "s2")
    learn(stores, "s1", "f1")
    stores.staging.stage(a_template("s1", pack=OTHER, width=192))
    rosters = [stores.students.roster_version(group) for group in (GroupId("g"), None)]
    parts = stores.students.school_parts()

    new = replace_photo(stores)

    for opened in (stores, place.open()):
        assert opened.students.get(S1) == new == opened.students.find()[0]
        assert (new.consent, new.registered_at) == (a_student("s1").consent, NOW)
        assert_same_template(opened.students.template(S1), a_new_template())
        assert opened.students.photo(S1) == a_photo("new 0")
        assert opened.staging.staged(OTHER) == {}
    assert stores.students.photo(StudentId("s2")) == a_photo("s2")
    assert all(
        stores.students.roster_version(group) != before
        for group, before in zip((GroupId("g"), None), rosters, strict=True)
    )
    changed = [part for part, version in stores.students.school_parts().items() if parts.get(part) != version]
    means = {view.student_id: view for views in stores.students.mean_views(changed).values() for view in views}
    np.testing.assert_allclose(means[S1].embedding, a_new_template().mean_view().embedding, atol=1e-3)
    assert stores.students.unlearn(S1, FaceId("f1")) is False


def test_the_previous_photo_is_nowhere(place: Place, stores: Stores) -> None:
    register(stores, "s1")
    replace_photo(stores)
    match place:
        case LocalPlace(directory):
            contents = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
            assert not any(a_photo("s1") in content for content in contents)
            assert not any(a_template("s1").embeddings.tobytes() in content for content in contents)
        case AwsPlace():
            objects = everything(place)[1]
            assert len(objects) == 2
            assert a_photo("s1") not in objects.values()


def test_consent_withdrawn_or_a_student_erased_takes_the_new_photo_too(stores: Stores) -> None:
    register(stores, "s1")
    replace_photo(stores)
    withdrawn = stores.students.withdraw(S1, LATER)
    assert withdrawn.photo_change is None
    with pytest.raises(StudentNotFound):
        stores.students.photo(S1)
    stores.students.add(
        replace(a_student("s1"), version=withdrawn.version + 1), a_template("s1"), a_photo("s1"), replaces=withdrawn
    )
    replace_photo(stores)
    stores.students.erase(S1)
    assert stores.students.traces(S1) == []


def test_a_student_without_a_photo_is_refused(stores: Stores) -> None:
    with pytest.raises(StudentNotFound):
        stores.students.replace_photo(replaced(a_student("s1")), a_new_template(), b"x", replaces=a_student("s1"))
    enrol(stores, "s1")
    with pytest.raises(NotRegistered):
        replace_photo(stores)
    assert stores.students.templates() == []


def test_a_student_who_changed_or_whose_id_was_given_again_keeps_the_photo(stores: Stores) -> None:
    register(stores, "s1")
    read = stores.students.get(S1)
    stores.students.update(replace(read, name="Ada King", version=2))
    with pytest.raises(VersionConflict):
        stores.students.replace_photo(replaced(read), a_new_template(), b"x", replaces=read)
    stores.students.erase(S1)
    stores.students.add(a_student("s1", name="Another"), a_template("s1"), a_photo("s1"))
    with pytest.raises(VersionConflict):
        stores.students.replace_photo(replaced(read), a_new_template(), b"x", replaces=read)
    assert stores.students.photo(S1) == a_photo("s1")
    assert_same_template(stores.students.template(S1), a_template("s1"))


def test_of_several_replacements_at_once_one_wins_whole(place: Place, stores: Stores) -> None:
    register(stores, "s1")
    read = stores.students.get(S1)

    def attempt(number: int) -> bool:
        new, template = replaced(read, UserId(f"t{number}")), a_new_template(number)
        try:
            place.open().students.replace_photo(new, template, a_photo(f"new {number}"), replaces=read)
        except VersionConflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, range(4)))
    assert sum(outcomes) == 1
    winner = outcomes.index(True)
    assert stores.students.get(S1) == replaced(read, UserId(f"t{winner}"))
    assert stores.students.photo(S1) == a_photo(f"new {winner}")
    assert_same_template(stores.students.template(S1), a_new_template(winner))


def test_an_erasure_at_once_leaves_nothing(place: Place, stores: Stores) -> None:
    for attempt in range(4):
        register(stores, "s1")

        def again(number: int = attempt) -> None:
            with contextlib.suppress(StudentNotFound, VersionConflict):
                replace_photo(place.open(), number)

        with ThreadPoolExecutor(2) as pool:
            replacing = pool.submit(again)
            pool.submit(place.open().students.erase, S1).result()
            replacing.result()
        assert stores.students.traces(S1) == []
        assert stores.students.find() == []
        assert stores.students.templates() == []


def test_a_replacement_that_fails_on_one_machine_leaves_the_previous_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = LocalPlace(tmp_path / "store")
    stores = place.open()
    register(stores, "s1")

    def fail(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("muster.storage.local.students._store_template", fail)
        with pytest.raises(Killed):
            replace_photo(stores)
    opened = place.open()
    assert isinstance(opened.students, LocalStudents)
    assert opened.students.get(S1) == a_student("s1")
    assert opened.students.photo(S1) == a_photo("s1")
    files = [path.read_bytes() for path in (place.directory / "files").rglob("*") if path.is_file()]
    assert files == [a_photo("s1")]


@pytest.mark.aws
def test_a_replacement_killed_before_any_call_leaves_the_student_with_one_photo(aws: AwsPlace) -> None:
    wire, seen = Wire(aws), set()
    register(aws.open(), "s1")
    for call in range(30):
        before = aws.open().students.photo(S1)
        try:
            with wire.killed_at(call):
                replace_photo(wire.stores, call)
        except Killed:
            opened = aws.open()
            photo = opened.students.photo(S1)
            done = photo != before
            seen.add(done)
            assert photo in (before, a_photo(f"new {call}"))
            opened.sweep(older_than=timedelta(0))
            expected = a_new_template(call) if done else None
            if expected is not None:
                assert_same_template(opened.students.template(S1), expected)
            # The photo and its training copy, and nothing else.
            assert len(everything(aws)[1]) == 2
        else:
            break
    else:
        pytest.fail("no replacement came to its end")
    assert seen == {True, False}
