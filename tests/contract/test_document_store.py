"""The contract of every store of documents."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from muster.domain.documents import OF_STUDENTS, SCHOOL, Document, DocumentKind
from muster.domain.errors import DocumentTooLarge, RecordDamaged, StudentNotFound, VersionConflict
from muster.domain.identifiers import StudentId
from muster.storage.local import open_local
from muster.storage.local.backup import back_up
from muster.storage.local.doctor import examine
from muster.storage.local.restore import restore
from tests.contract.examples import enrol
from tests.contract.places import Place, Stores

LESSONS = DocumentKind.LESSONS
ABSENCES = DocumentKind.ABSENCES
BODY = {"lessons": [{"subject": "Französisch", "room": None, "count": 3, "share": 0.5, "done": True}], "empty": {}}


def test_a_document_comes_back_as_stored(place: Place, stores: Stores) -> None:
    assert stores.documents.get(LESSONS, "7b") == Document("7b", 0, {})
    assert stores.documents.put(LESSONS, "7b", 0, BODY) == Document("7b", 1, BODY)
    assert place.open().documents.get(LESSONS, "7b") == Document("7b", 1, BODY)
    assert stores.documents.get(DocumentKind.TERMS, "7b").version == 0


def test_documents_of_a_kind_come_in_order_of_id(stores: Stores) -> None:
    for id in ("b", "a", "B", "10", "9", "a.b", "a-b"):
        stores.documents.put(LESSONS, id, 0, {"id": id})
    stores.documents.put(DocumentKind.TERMS, SCHOOL, 0, {})
    found = stores.documents.of_kind(LESSONS)
    assert [document.id for document in found] == ["10", "9", "B", "a", "a-b", "a.b", "b"]
    assert all(document.body == {"id": document.id} for document in found)
    assert stores.documents.get_many(LESSONS, ["9", "a", "a", "none"]).keys() == {"9", "a"}
    assert stores.documents.get_many(LESSONS, []) == {}


def test_a_document_is_replaced_only_if_its_version_is_the_expected_one(stores: Stores) -> None:
    stores.documents.put(LESSONS, "7b", 0, {"n": 1})
    stores.documents.put(LESSONS, "7b", 1, {"n": 2})
    for stale in (0, 1, 3):
        with pytest.raises(VersionConflict):
            stores.documents.put(LESSONS, "7b", stale, {"n": 3})
    with pytest.raises(VersionConflict):
        stores.documents.put(LESSONS, "none", 1, {})
    assert stores.documents.get(LESSONS, "7b") == Document("7b", 2, {"n": 2})


def test_of_several_documents_stored_at_once_one_wins(place: Place, stores: Stores) -> None:
    def attempt(number: int) -> bool:
        try:
            place.open().documents.put(LESSONS, "7b", 0, {"n": number})
        except VersionConflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(attempt, range(4)))
    assert won.count(True) == 1
    assert stores.documents.get(LESSONS, "7b") == Document("7b", 1, {"n": won.index(True)})


def test_a_removed_document_is_gone_and_its_id_is_free(stores: Stores) -> None:
    stores.documents.put(LESSONS, "7b", 0, BODY)
    for wrong in (0, 2):
        with pytest.raises(VersionConflict):
            stores.documents.remove(LESSONS, "7b", wrong)
    stores.documents.remove(LESSONS, "7b", 1)
    for version in (0, 1):
        with pytest.raises(VersionConflict):
            stores.documents.remove(LESSONS, "7b", version)
    assert stores.documents.of_kind(LESSONS) == []
    # An editor who read the removed document has version 1.
    assert stores.documents.put(LESSONS, "7b", 0, {}).version == 2
    assert stores.documents.put(LESSONS, "8a", 0, {}).version == 2
    assert stores.documents.put(DocumentKind.TERMS, SCHOOL, 0, {}).version == 1
    stores.documents.remove(LESSONS, "8a", 2)
    stores.documents.put(LESSONS, "7b", 2, {})
    with pytest.raises(VersionConflict):
        stores.documents.put(LESSONS, "7b", 1, {})
    stores.documents.remove(LESSONS, "7b", 3)
    assert stores.documents.put(LESSONS, "7b", 0, {}).version == 4


def test_a_document_of_300_kb_is_kept_and_a_larger_one_is_refused(stores: Stores) -> None:
    largest = {"text": "é" * ((300_000 - len('{"text":""}')) // 2)}
    stores.documents.put(LESSONS, "7b", 0, largest)
    with pytest.raises(DocumentTooLarge, match="300 kB"):
        stores.documents.put(LESSONS, "7b", 1, {"text": largest["text"] + "éé"})
    assert stores.documents.get(LESSONS, "7b") == Document("7b", 1, largest)


@pytest.mark.parametrize("kind", sorted(OF_STUDENTS))
def test_documents_of_a_student_are_erased_with_the_student(stores: Stores, kind: DocumentKind) -> None:
    with pytest.raises(StudentNotFound):
        stores.documents.put(kind, "s1", 0, {})
    enrol(stores, "s1", "s2")
    for id in ("s1", "s2"):
        stores.documents.put(kind, id, 0, {"note": "present"})
    stores.documents.put(LESSONS, "s1", 0, {"note": "s1"})
    stores.students.erase(StudentId("s1"))
    assert [document.id for document in stores.documents.of_kind(kind)] == ["s2"]
    assert stores.documents.get(LESSONS, "s1").version == 1
    assert stores.students.traces(StudentId("s1")) == []
    assert stores.students.traces(StudentId("present")) == []


def test_a_search_finds_students_whom_documents_name(stores: Stores) -> None:
    stores.documents.put(DocumentKind.EXCHANGE, "n1", 0, {"sent": [{"student_id": "s1"}, {"student_ids": ["s2"]}]})
    assert stores.students.traces(StudentId("s1"))
    assert stores.students.traces(StudentId("s2"))
    assert stores.students.traces(StudentId("n1")) == []


def test_a_backup_carries_documents_and_a_restore_erases_those_of_students_erased_since(tmp_path: Path) -> None:
    stores = open_local(tmp_path / "store")
    enrol(stores, "s1", "s2")
    for id in ("s1", "s2"):
        stores.documents.put(ABSENCES, id, 0, {"until": "2026-09-01"})
    stores.documents.put(LESSONS, "7b", 0, BODY)
    backup = back_up(tmp_path / "store", tmp_path / "backup", lambda *_: None)
    assert backup.counts["documents"] == 3
    stores.students.erase(StudentId("s1"))
    stores.upkeep.close()
    restore(tmp_path / "backup", tmp_path / "store", lambda *_: None, replace=True)
    restored = open_local(tmp_path / "store")
    assert restored.documents.get(LESSONS, "7b") == Document("7b", 1, BODY)
    assert [document.id for document in restored.documents.of_kind(ABSENCES)] == ["s2"]


def test_a_damaged_document_is_named_by_the_doctor_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    stores = open_local(tmp_path)
    stores.documents.put(LESSONS, "7b", 0, BODY)
    with stores.upkeep.database.write() as connection:
        connection.execute("UPDATE documents SET body = '[]'")
    with pytest.raises(RecordDamaged, match="lessons 7b"):
        stores.documents.get(LESSONS, "7b")
    stores.upkeep.close()
    assert "the document lessons 7b" in " ".join(finding.detail for finding in examine(tmp_path))
