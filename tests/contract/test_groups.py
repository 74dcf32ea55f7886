"""The contract of every store of groups."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from muster.domain.errors import GroupExists, GroupNotFound, VersionConflict
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, UserId
from tests.contract.examples import a_session, register
from tests.contract.places import Place, Stores

MATHS = Group(GroupId("7b-maths"), "Mathematics 7b", frozenset({UserId("u2"), UserId("u1")}))


def test_a_group_comes_back_as_stored(place: Place, stores: Stores) -> None:
    stores.groups.add(MATHS)
    assert stores.groups.get(MATHS.id) == MATHS
    assert place.open().groups.find() == [MATHS]


@pytest.mark.parametrize("name", ["Französisch – Stufe 7", "高等数学", "علم الأحياء", 'O\'Brien "B"; DROP', "x" * 200])
def test_names_of_any_script_are_kept(stores: Stores, name: str) -> None:
    stores.groups.add(replace(MATHS, name=name))
    assert stores.groups.get(MATHS.id).name == name


def test_a_group_may_have_no_teacher(stores: Stores) -> None:
    stores.groups.add(Group(GroupId("g"), "g"))
    assert stores.groups.get(GroupId("g")) == Group(GroupId("g"), "g", frozenset(), 1)


def test_a_taken_id_is_refused_and_nothing_changes(stores: Stores) -> None:
    stores.groups.add(MATHS)
    with pytest.raises(GroupExists):
        stores.groups.add(replace(MATHS, name="Another", teachers=frozenset()))
    assert stores.groups.find() == [MATHS]


def test_groups_come_in_order_of_id_and_differ_by_case(stores: Stores) -> None:
    for id in ("b", "a", "B", "10", "9", "a.b", "a-b"):
        stores.groups.add(Group(GroupId(id), f"named {id}"))
    assert [group.id for group in stores.groups.find()] == ["10", "9", "B", "a", "a-b", "a.b", "b"]
    assert stores.groups.get(GroupId("B")).name == "named B"


def test_no_groups_are_an_empty_list(stores: Stores) -> None:
    assert stores.groups.find() == []


def test_students_and_sessions_make_no_record_of_their_group(stores: Stores) -> None:
    register(stores, "s1")
    stores.sessions.create(a_session(), [])
    assert stores.groups.find() == []
    with pytest.raises(GroupNotFound):
        stores.groups.get(GroupId("g"))


def test_an_unknown_group_is_not_found_by_any_method(stores: Stores) -> None:
    with pytest.raises(GroupNotFound):
        stores.groups.get(MATHS.id)
    with pytest.raises(GroupNotFound):
        stores.groups.remove(MATHS.id)
    with pytest.raises(GroupNotFound):
        stores.groups.update(replace(MATHS, version=2))
    assert stores.groups.find() == []


def test_a_change_replaces_name_and_teachers(stores: Stores) -> None:
    stores.groups.add(MATHS)
    stores.groups.add(Group(GroupId("other"), "Other"))
    changed = Group(MATHS.id, "Algebra", frozenset({UserId("u3")}), version=2)
    stores.groups.update(changed)
    assert stores.groups.get(MATHS.id) == changed
    assert stores.groups.get(GroupId("other")) == Group(GroupId("other"), "Other")


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_change_of_another_version_is_refused_and_nothing_changes(stores: Stores, version: int) -> None:
    stores.groups.add(MATHS)
    second = replace(MATHS, name="Second", version=2)
    stores.groups.update(second)
    with pytest.raises(VersionConflict):
        stores.groups.update(replace(MATHS, name="Stale", version=version))
    assert stores.groups.get(MATHS.id) == second


def test_of_several_changes_at_once_one_wins(place: Place, stores: Stores) -> None:
    stores.groups.add(MATHS)

    def attempt(number: int) -> str:
        try:
            place.open().groups.update(replace(MATHS, name=f"Name {number}", version=2))
        except VersionConflict:
            return "refused"
        return f"Name {number}"

    with ThreadPoolExecutor(6) as pool:
        outcomes = Counter(pool.map(attempt, range(6)))
    assert outcomes["refused"] == 5
    assert outcomes[stores.groups.get(MATHS.id).name] == 1


def test_a_removed_group_is_gone_and_the_id_is_free(stores: Stores) -> None:
    stores.groups.add(MATHS)
    stores.groups.update(replace(MATHS, version=2))
    stores.groups.remove(MATHS.id)
    with pytest.raises(GroupNotFound):
        stores.groups.get(MATHS.id)
    with pytest.raises(GroupNotFound):
        stores.groups.remove(MATHS.id)
    stores.groups.add(replace(MATHS, name="Again"))
    assert stores.groups.get(MATHS.id) == replace(MATHS, name="Again")
