"""The index of the school on AWS: what a registration reads, and tables that were written without it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from muster.domain.errors import RegistrationsBusy
from muster.domain.identifiers import StudentId
from muster.services.caches.school import School
from muster.storage.aws.registration_lease import RegistrationLease
from muster.storage.aws.school_indexing import SchoolIndexing
from muster.storage.aws.stores import AwsStores
from muster.storage.aws.table import Table
from tests.contract.examples import PACK, a_photo, a_student, a_template, enrol, learn, register
from tests.contract.places import AwsPlace
from tests.contract.test_aws import Killed, Wire, everything
from tests.contract.test_school import POPULATION, assert_agrees_with_the_templates

pytestmark = pytest.mark.aws

SCHOOL: Any = {"pk": {"S": "GROUP#"}, "sk": {"S": "ROSTER"}}


def without_index(place: AwsPlace) -> None:
    """Leave of the table what a version of Muster without the index would have written."""
    dynamodb = place.clients()[0]
    for item in dynamodb.scan(TableName=place.table)["Items"]:
        if item["pk"]["S"].startswith("SEARCH#"):
            dynamodb.delete_item(TableName=place.table, Key={"pk": item["pk"], "sk": item["sk"]})
        elif {"pk": item["pk"], "sk": item["sk"]} == SCHOOL:
            kept = {name: item[name] for name in ("pk", "sk", "version")}
            dynamodb.put_item(TableName=place.table, Item=kept)


def written_without_index(place: AwsPlace, id: str) -> None:
    """Register a student as a version without the index does: the roster counts it, the index does not have it."""
    dynamodb = place.clients()[0]
    register(place.open(), id)
    for item in dynamodb.scan(TableName=place.table)["Items"]:
        if item["pk"]["S"].startswith("SEARCH#") and item["sk"]["S"] == f"STUDENT#{id}":
            dynamodb.delete_item(TableName=place.table, Key={"pk": item["pk"], "sk": item["sk"]})
    dynamodb.update_item(
        TableName=place.table,
        Key=SCHOOL,
        UpdateExpression="ADD index_version :minus",
        ExpressionAttributeValues={":minus": {"N": "-1"}},
    )


def test_a_registration_reads_one_item_and_the_part_that_changed(aws: AwsPlace) -> None:
    register(aws.open(), *"abcdefgh")
    wire = Wire(aws)
    school = School(wire.stores.students, PACK, POPULATION)
    assert len(school.current().student_ids) == 8
    wire.calls = 0
    school.current()
    assert wire.calls == 1
    register(aws.open(), "new")
    enrol(aws.open(), "without-photo")
    wire.calls = 0
    assert "new" in school.current().student_ids
    assert wire.calls == 2


def test_an_earlier_table_is_indexed_once_and_stays_so(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, *"abc")
    enrol(stores, "d")
    learn(stores, "b", "face")
    without_index(aws)
    register(stores, "e")
    stores.students.erase(StudentId("c"))
    assert_agrees_with_the_templates(stores)
    wire = Wire(aws)
    wire.stores.students.school_parts()
    assert wire.calls == 1


def test_a_change_by_an_earlier_version_is_noticed(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, *"ab")
    school = School(stores.students, PACK, POPULATION)
    school.current()
    written_without_index(aws, "late")
    assert "late" in school.current().student_ids
    assert_agrees_with_the_templates(stores)


def test_an_erasure_by_an_earlier_version_leaves_nothing_in_the_index(aws: AwsPlace) -> None:
    stores = aws.open()
    register(stores, *"ab")
    dynamodb = aws.clients()[0]
    orphans = [item for item in dynamodb.scan(TableName=aws.table)["Items"] if item["pk"]["S"].startswith("SEARCH#")]
    stores.students.erase(StudentId("a"))
    (orphan,) = [item for item in orphans if item["sk"]["S"] == "STUDENT#a"]
    dynamodb.put_item(TableName=aws.table, Item=orphan)
    without = {"TableName": aws.table, "Key": SCHOOL, "UpdateExpression": "ADD version :one"}
    dynamodb.update_item(**without, ExpressionAttributeValues={":one": {"N": "1"}})
    assert stores.students.traces(StudentId("a")) != []

    stores.sweep()

    assert stores.students.traces(StudentId("a")) == []
    assert_agrees_with_the_templates(stores)


def test_indexing_that_was_killed_before_any_call_is_continued(aws: AwsPlace) -> None:
    register(aws.open(), *"abc")
    without_index(aws)
    # The first call reads the roster, the second the students, and the next 64 the parts of the index.
    for call in (0, 1, *range(65, 100)):
        wire = Wire(aws)
        try:
            with wire.killed_at(call):
                wire.stores.students.school_parts()
        except Killed:
            continue
        break
    else:
        pytest.fail("the index was never completed")
    assert call > 70
    assert_agrees_with_the_templates(aws.open())


def test_a_student_who_is_erased_during_the_indexing_does_not_come_back(
    aws: AwsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = aws.open()
    register(stores, *"abc")
    without_index(aws)
    erased: list[str] = []
    actions = SchoolIndexing._actions

    def erase_meanwhile(self: SchoolIndexing, *args: Any) -> Any:
        if not erased:
            erased.append("b")
            aws.open().students.erase(StudentId("b"))
            learn(aws.open(), "a", "face")
        return actions(self, *args)

    monkeypatch.setattr(SchoolIndexing, "_actions", erase_meanwhile)
    stores.students.school_parts()
    assert erased == ["b"]
    assert stores.students.traces(StudentId("b")) == []
    assert_agrees_with_the_templates(stores)


def test_a_holder_that_lost_its_lease_stores_nobody(aws: AwsPlace) -> None:
    """Otherwise an instance that was frozen after its search would miss the person that the next one registered."""
    stores, other = aws.open(), aws.open()
    with stores.registering:
        later = datetime.now(UTC) + timedelta(seconds=11)
        with RegistrationLease(Table(aws.clients()[0], aws.table), lambda: later):
            add(other, "a")
            with pytest.raises(RegistrationsBusy):
                add(stores, "b")
    assert [student.id for student in stores.students.find()] == ["a"]
    with stores.registering:
        add(stores, "b")
    stores.sweep(older_than=timedelta(0))
    assert len(everything(aws)[1]) == 4, "two photos and two training copies"


def add(stores: AwsStores, id: str) -> None:
    stores.students.add(a_student(id), a_template(id), a_photo(id))
