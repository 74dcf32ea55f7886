"""Students, their templates and registration photos in the table and the buckets."""

from collections.abc import Iterator
from uuid import uuid4

from muster.domain.errors import StudentExists, StudentNotFound
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.storage import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.sessions import AwsSessions
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.documents import (
    embeddings_bytes,
    read_embeddings,
    read_optional_time,
    read_time,
    time_text,
)
from muster.storage.rules import check_groups
from muster.storage.training_copy import training_copy


class AwsStudents:
    """`StudentStore` on DynamoDB and S3.

    A student is five kinds of item, written and deleted in one transaction: the record; the template; in each group,
    and in the school, a copy of the record, so that a roster is one query; and the version of each of those rosters.
    The photo is an object, written before (see `Objects`).

    Training reads copies of the templates in the models' bucket, and the event of a new copy asks for a retrain. A copy
    is written after its student, so that no training ever sees someone who is not registered; an item of the student's
    transaction says that it is due, until it is there.
    """

    def __init__(self, table: Table, objects: Objects, sessions: AwsSessions) -> None:
        self._table = table
        self._objects = objects
        self._sessions = sessions

    def add(self, student: Student, template: Template, photo: bytes) -> None:
        """Store a new student whole; see `StudentStore.add`."""
        check_groups(student)
        blob = embeddings_bytes(template)
        record_key = _record_key(student.id)
        # Asked first, so that a taken id costs no objects; the transaction asks again.
        if self._table.get(record_key):
            raise _exists(student.id)
        entry = self._objects.enter(photos=[keys.REGISTRATION_PHOTOS + uuid4().hex])
        copy = keys.TEMPLATES + uuid4().hex + ".safetensors"
        self._objects.announce(entry)
        self._objects.put_photo(entry.photos[0], photo)
        record = {**_document(student), "photo": entry.photos[0], "training_copy": copy}
        absent = "attribute_not_exists(pk)"
        actions = [
            self._table.putting({"pk": record_key[0], "sk": record_key[1], **record}, absent),
            self._table.checking(_erasure_key(student.id), absent),
            self._objects.striking(entry),
            self._table.putting(
                {
                    "pk": record_key[0],
                    "sk": keys.TEMPLATE,
                    "id": student.id,
                    "pack": template.pack,
                    "photo_digest": template.photo_digest,
                    "embeddings": blob,
                }
            ),
            self._table.putting({"pk": keys.COPIES, "sk": student.id, "training_copy": copy}),
        ]
        for group in _rosters(student.groups):
            actions.append(self._table.putting({"pk": group, "sk": keys.member(student.id), **_document(student)}))
            actions.append(self._change_of(group))
        self._store_new(student.id, actions)
        self._write_copy(template, copy)

    def get(self, student_id: StudentId) -> Student:
        """Return one student; see `StudentStore.get`."""
        return _student(self._record(student_id))

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id."""
        return [_student(item) for item in self._members(group_id)]

    def erase(self, student_id: StudentId) -> None:
        """Remove every trace of a student; see `StudentStore.erase`.

        The transaction that removes the student notes that sessions and objects are still to be cleaned. If it is the
        last thing that this process does, `sweep`, or whoever registers the id next, cleans them.
        """
        record = self._record(student_id)
        erasure = {
            "pk": keys.ERASURES,
            "sk": student_id,
            "photos": [record["photo"]],
            "models": [record["training_copy"]],
        }
        same = {":photo": record["photo"]}
        actions = [
            self._table.deleting(_record_key(student_id), "photo = :photo", same),
            self._table.deleting((keys.student_partition(student_id), keys.TEMPLATE)),
            self._table.deleting((keys.COPIES, student_id)),
            self._table.putting(erasure),
        ]
        for group in _rosters(frozenset(record["groups"])):
            actions.append(self._table.deleting((group, keys.member(student_id))))
            actions.append(self._change_of(group))
        try:
            self._table.together(actions)
        except ConditionFailed as error:
            raise _not_found(student_id) from error
        self._finish_erasure(erasure)

    def finish_erasures(self) -> None:
        """Clean sessions and objects for those who were erased by a process that was killed on the way."""
        for erasure in self._table.query(keys.ERASURES):
            self._finish_erasure(erasure)

    def finish_copies(self) -> None:
        """Write the training copies that a process did not come to after it had stored the student."""
        for due in self._table.query(keys.COPIES):
            template = self._table.get(_template_key(StudentId(due["sk"])))
            if template is not None:
                self._write_copy(_template(template), due["training_copy"])

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template; see `StudentStore.template`."""
        item = self._table.get(_template_key(student_id))
        if item is None:
            raise _not_found(student_id)
        return _template(item)

    def templates(self, group_id: GroupId | None = None) -> list[Template]:
        """Return the templates of a group, or all, ordered by student id: one query and a read per 100 students."""
        wanted = [_template_key(StudentId(item["id"])) for item in self._members(group_id)]
        found = self._table.get_many(wanted)
        # Who was erased after the query is left out.
        return [_template(found[key]) for key in wanted if key in found]

    def roster_version(self, group_id: GroupId | None = None) -> str:
        """Return a text that changes with the group's members and their templates."""
        item = self._table.get((keys.group_partition(group_id), keys.ROSTER))
        return str(item["version"]) if item else "0"

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent; see `StudentStore.photo`."""
        content = self._objects.photo(self._record(student_id)["photo"])
        if content is None:
            raise StudentNotFound(f"The registration photo of {student_id} is no longer kept.")
        return content

    def _record(self, student_id: StudentId) -> Item:
        record = self._table.get(_record_key(student_id))
        if record is None:
            raise _not_found(student_id)
        return record

    def _members(self, group_id: GroupId | None) -> Iterator[Item]:
        return self._table.query(keys.group_partition(group_id), keys.MEMBER_PREFIX)

    def _change_of(self, roster: str) -> Item:
        return self._table.updating((roster, keys.ROSTER), "ADD version :one", {":one": 1})

    def _store_new(self, student_id: StudentId, actions: list[Item]) -> None:
        """Do the transaction of `add`; actions 0, 1 and 2 ask that nobody has, or is losing, the id."""
        try:
            self._table.together(actions)
        except ConditionFailed as error:
            if 0 in error.failed or 1 not in error.failed:
                raise _exists(student_id) from error
            erasure = self._table.get(_erasure_key(student_id))
            if erasure is not None:
                self._finish_erasure(erasure)
            self._store_new(student_id, actions)

    def _write_copy(self, template: Template, name: str) -> None:
        self._objects.put_model(name, training_copy(template))
        try:
            due = (keys.COPIES, template.student_id)
            self._table.together([self._table.deleting(due, "training_copy = :name", {":name": name})])
        except ConditionFailed:
            # No longer due: another process wrote it, or the student was erased and the copy must go too.
            record = self._table.get(_record_key(template.student_id)) or {}
            if record.get("training_copy") != name:
                self._objects.delete_models([name])

    def _finish_erasure(self, erasure: Item) -> None:
        student_id = StudentId(erasure["sk"])
        mentions = list(self._table.query(keys.student_partition(student_id), keys.SESSION_PREFIX))
        for mention in mentions:
            self._sessions.forget(mention["session"], {student_id})
            self._table.delete((mention["pk"], mention["sk"]))
        self._objects.delete(self._objects.enter(erasure["photos"], erasure["models"]))
        self._table.delete((erasure["pk"], erasure["sk"]))


def _record_key(student_id: StudentId) -> Key:
    return keys.student_partition(student_id), keys.RECORD


def _template_key(student_id: StudentId) -> Key:
    return keys.student_partition(student_id), keys.TEMPLATE


def _erasure_key(student_id: StudentId) -> Key:
    return keys.ERASURES, student_id


def _rosters(groups: frozenset[GroupId]) -> list[str]:
    return [keys.group_partition(group) for group in (None, *sorted(groups))]


def _document(student: Student) -> Item:
    consent = student.consent
    return {
        "id": student.id,
        "name": student.name,
        "groups": sorted(student.groups),
        "consent_given_at": time_text(consent.given_at),
        "consent_wording": consent.wording,
        "consent_withdrawn_at": None if consent.withdrawn_at is None else time_text(consent.withdrawn_at),
        "registered_at": time_text(student.registered_at),
        "version": student.version,
    }


def _student(item: Item) -> Student:
    return Student(
        id=StudentId(item["id"]),
        name=item["name"],
        groups=frozenset(GroupId(group) for group in item["groups"]),
        consent=Consent(
            read_time(item["consent_given_at"]),
            item["consent_wording"],
            read_optional_time(item.get("consent_withdrawn_at")),
        ),
        registered_at=read_time(item["registered_at"]),
        version=int(item["version"]),
    )


def _template(item: Item) -> Template:
    return Template(
        StudentId(item["id"]), PackId(item["pack"]), read_embeddings(item["embeddings"]), item["photo_digest"]
    )


def _exists(student_id: StudentId) -> StudentExists:
    return StudentExists(
        f"The id {student_id} belongs to a registered student: take another id, or erase that student first."
    )


def _not_found(student_id: StudentId) -> StudentNotFound:
    return StudentNotFound(f"Nobody is registered as {student_id}: check the id, or register the student first.")
