"""Students, their templates and registration photos in the table and the buckets."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from muster.domain.errors import InvalidRequest, NotRegistered, StudentExists, StudentNotFound
from muster.domain.identifiers import FaceId, GroupId, StudentId
from muster.domain.learning import NewFace, without_learned_face
from muster.domain.student import Consent, MeanView, Student, Template
from muster.storage.aws import keys
from muster.storage.aws.documents import erase_actions, erase_entries
from muster.storage.aws.erasure_check import ErasureCheck
from muster.storage.aws.learning import TemplateLearning
from muster.storage.aws.objects import Objects, PendingEntry
from muster.storage.aws.pending_erasures import PendingErasures
from muster.storage.aws.pending_training_copies import PendingTrainingCopies
from muster.storage.aws.registration_lease import RegistrationLease
from muster.storage.aws.school_index import SchoolIndex
from muster.storage.aws.school_indexing import SchoolIndexing
from muster.storage.aws.student_items import (
    not_found,
    not_registered,
    read_student,
    read_template,
    record_item,
    record_key,
    roster_partitions,
    staged_key,
    student_document,
    template_item,
    template_key,
)
from muster.storage.aws.table import MAX_TRANSACTION_ACTIONS, ConditionFailed, Item, Table, back_off
from muster.storage.shared import changed_concurrently, check_groups

_Result = TypeVar("_Result")

# Conflicts over one student come from a second click, or from a roll call that the student's template learns from.
_ATTEMPTS = 10
_THREADS = 8


class AwsStudents:
    """`StudentStore` on DynamoDB and S3.

    A student has six kinds of items, which change in one transaction: the record, the template, its mean view in the
    school's index, a copy of the record in each group and in the school, so that one query reads a roster, and the
    versions of those rosters. The photo
    is an object that is written before (see `PendingObjects`), and the training copy one that is written after (see
    `PendingTrainingCopies`).
    """

    def __init__(
        self,
        table: Table,
        objects: Objects,
        copies: PendingTrainingCopies,
        erasures: PendingErasures,
        erasure_check: ErasureCheck,
        lease: RegistrationLease,
    ) -> None:
        self._table = table
        self._objects = objects
        self._copies = copies
        self._erasures = erasures
        self._erasure_check = erasure_check
        self._lease = lease
        self._index = SchoolIndex(table)
        self._indexing = SchoolIndexing(table, self._index)
        self._learning = TemplateLearning(table, objects, copies, erasures, self._index)

    def add(self, student: Student, template: Template, photo: bytes, replaces: Student | None = None) -> None:
        """Store a student; see `StudentStore.add`."""
        check_groups(student)
        template = replace(template, student_id=student.id)
        written = template_item(template)
        # Checked first, so that a taken id costs no objects; the transaction checks again.
        stored = self._table.get(record_key(student.id))
        _check_can_be_added(student, stored, replaces)
        entry = self._objects.pending.new_entry(photos=[keys.REGISTRATION_PHOTOS + uuid4().hex])
        copy = keys.new_training_copy()
        self._objects.pending.write(entry)
        self._objects.put_photo(entry.photos[0], photo)
        also = [
            self._objects.pending.delete_action(entry),
            self._table.put_action(written),
            self._copies.put_action(student.id, copy),
            self._index.put_action(template.mean_view()),
            *self._lease.check_actions(),
        ]
        try:
            self._store(record_item(student, entry.photos[0], copy), stored, also, indexed=True)
        except ConditionFailed as error:
            self._lease.check_held()
            _check_can_be_added(student, self._table.get(record_key(student.id)), replaces)
            raise changed_concurrently(f"The record of {student.id}") from error
        self._copies.write(template, copy)

    def replace_photo(self, student: Student, template: Template, photo: bytes, replaces: Student) -> None:
        """Replace the registration photo of a student; see `StudentStore.replace_photo`."""
        entry = self._objects.pending.new_entry(photos=[keys.REGISTRATION_PHOTOS + uuid4().hex])
        copy = keys.new_training_copy()
        # Checked first, so that a refused replacement costs no objects; each attempt checks again.
        _check_can_be_replaced(self._record(student.id), replaces)
        self._objects.pending.write(entry)
        self._objects.put_photo(entry.photos[0], photo)

        def replaced(stored: Item) -> PendingEntry:
            _check_can_be_replaced(stored, replaces)
            staged = self._table.get(staged_key(student.id)) or {}
            copies = [item["training_copy"] for item in (stored, staged) if item.get("training_copy") is not None]
            gone = self._objects.pending.new_entry([stored["photo"]], copies)
            also = [
                self._objects.pending.delete_action(entry),
                self._objects.pending.put_action(gone),
                self._table.put_action(template_item(template)),
                self._table.delete_action(staged_key(student.id)),
                self._copies.put_action(student.id, copy),
                self._copies.delete_outdated_action(student.id),
                self._index.put_action(template.mean_view()),
                *self._lease.check_actions(),
            ]
            try:
                self._store(record_item(student, entry.photos[0], copy), stored, also, indexed=True)
            except ConditionFailed:
                self._lease.check_held()
                raise
            return gone

        gone = self._update_record(student.id, replaced)
        self._copies.write(template, copy)
        self._objects.delete(gone)

    def enrol(self, student: Student) -> None:
        """Store a record without template and photo; see `StudentStore.enrol`."""
        check_groups(student)
        try:
            self._store(record_item(student), None)
        except ConditionFailed as error:
            raise _exists(student.id) from error

    def update(self, student: Student) -> None:
        """Replace name and groups; see `StudentStore.update`."""
        check_groups(student)

        def renamed(stored: Item) -> None:
            old = read_student(stored)
            if old.version != student.version - 1:
                raise changed_concurrently(f"The record of {student.id}")
            new = replace(old, name=student.name, groups=student.groups, version=student.version)
            self._store(record_item(new, stored.get("photo"), stored.get("training_copy")), stored)

        self._update_record(student.id, renamed)

    def withdraw(self, student_id: StudentId, at: datetime) -> Student:
        """Record the withdrawal of consent; see `StudentStore.withdraw`."""

        def withdrawn(stored: Item) -> Student:
            old = read_student(stored)
            if old.consent is None or ("photo" not in stored and not old.consent.holds):
                return old
            new = replace(
                old,
                consent=replace(old.consent, withdrawn_at=at),
                registered_at=None,
                photo_change=None,
                version=old.version + 1,
            )
            also = [
                self._table.delete_action(template_key(student_id)),
                self._index.delete_action(student_id),
                self._table.delete_action(staged_key(student_id)),
                *self._copies.delete_actions(student_id),
                self._erasures.put_action(stored, self._table.get(staged_key(student_id)), whole=False),
            ]
            self._store(record_item(new), stored, also, checked=False, indexed=True)
            return new

        student = self._update_record(student_id, withdrawn)
        self._erasures.finish(student_id)
        return student

    def agree(self, student_id: StudentId, consent: Consent) -> Student:
        """Replace the consent of a registered student; see `StudentStore.agree`."""

        def agreed(stored: Item) -> Student:
            old = read_student(stored)
            if "photo" not in stored:
                raise not_registered(student_id)
            new = replace(old, consent=consent, version=old.version + 1)
            self._store(record_item(new, stored["photo"], stored["training_copy"]), stored)
            return new

        return self._update_record(student_id, agreed)

    def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
        """Add faces to templates; see `StudentStore.learn`."""
        return self._learning.learn(faces)

    def unlearn(self, student_id: StudentId, face_id: FaceId) -> bool:
        """Remove a learned row from the template; see `StudentStore.unlearn`."""

        def unlearned(stored: Item) -> bool:
            template = self.template(student_id)
            if face_id not in template.learned_ids:
                return False
            self._replace_template(stored, without_learned_face(template, face_id))
            return True

        try:
            return self._update_record(student_id, unlearned)
        except (StudentNotFound, NotRegistered):
            return False

    def renew_copies(self) -> None:
        """Write new training copies of the templates that learned automatically since the last call."""

        def renew(student_id: StudentId) -> None:
            # Students who were erased or withdrew since have no copy.
            with suppress(StudentNotFound, NotRegistered):
                self._update_record(
                    student_id, lambda stored: self._replace_template(stored, self.template(student_id))
                )

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(renew, self._copies.outdated_students()))

    def get(self, student_id: StudentId) -> Student:
        """Return one student; see `StudentStore.get`."""
        return read_student(self._record(student_id))

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id."""
        return [read_student(item) for item in self._members(group_id)]

    def erase(self, student_id: StudentId) -> None:
        """Erase a student; see `StudentStore.erase`."""

        def erased(stored: Item) -> None:
            # Before the record: if the process is killed after it, repeating the erasure completes it.
            erase_entries(self._table, student_id)
            actions = [
                self._table.delete_action(record_key(student_id), *_unchanged(stored)),
                self._erasures.put_action(stored, self._table.get(staged_key(student_id)), whole=True),
                self._table.delete_action(template_key(student_id)),
                self._index.delete_action(student_id),
                self._table.delete_action(staged_key(student_id)),
                *self._copies.delete_actions(student_id),
                *erase_actions(self._table, student_id),
            ]
            groups = read_student(stored).groups
            rosters = roster_partitions(groups)
            actions += [self._table.delete_action((roster, keys.member(student_id))) for roster in rosters]
            actions += [self._index.bump_action([student_id]), *map(self._bump_group_action, groups)]
            self._table.transact_write(actions)

        self._update_record(student_id, erased)
        self._erasures.finish(student_id)

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template; see `StudentStore.template`."""
        item = self._table.get(template_key(student_id))
        if item is None:
            self._record(student_id)
            raise not_registered(student_id)
        return read_template(item)

    def templates(self, group_id: GroupId | None = None) -> list[Template]:
        """Return the templates of a group, or all, ordered by student id, by one query and a read per 100 students."""
        wanted = [template_key(StudentId(item["id"])) for item in self._members(group_id) if "registered_at" in item]
        found = self._table.get_many(wanted)
        # Students who were erased after the query are left out.
        return [read_template(found[key]) for key in wanted if key in found]

    def roster_version(self, group_id: GroupId | None = None) -> str:
        """Return the version of a roster; see `StudentStore.roster_version`."""
        item = self._table.get((keys.group_partition(group_id), keys.ROSTER))
        return str(item["version"]) if item else "0"

    def school_parts(self) -> dict[str, str]:
        """Return the parts of the school; see `StudentStore.school_parts`. Completes the index if it must."""
        return self._indexing.complete().parts

    def mean_views(self, parts: Collection[str]) -> dict[str, list[MeanView]]:
        """Return the mean views of some parts; see `StudentStore.mean_views`."""
        return self._index.views(parts)

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent; see `StudentStore.photo`."""
        name = self._record(student_id).get("photo")
        content = None if name is None else self._objects.photo(name)
        if content is None:
            raise StudentNotFound(f"No registration photo of {student_id} is kept.")
        return content

    def traces(self, student_id: StudentId) -> list[str]:
        """Search every item and every object's name for an id; see `StudentStore.traces`."""
        return self._erasure_check.find(student_id)

    def _record(self, student_id: StudentId) -> Item:
        stored = self._table.get(record_key(student_id))
        if stored is None:
            raise not_found(student_id)
        return stored

    def _members(self, group_id: GroupId | None) -> Iterator[Item]:
        return self._table.query(keys.group_partition(group_id), keys.MEMBER_PREFIX)

    def _bump_group_action(self, group_id: GroupId) -> Item:
        key = (keys.group_partition(group_id), keys.ROSTER)
        return self._table.update_action(key, "ADD version :one", {":one": 1})

    def _store(
        self,
        new: Item,
        stored: Item | None,
        also: Sequence[Item] = (),
        *,
        checked: bool = True,
        indexed: bool = False,
    ) -> None:
        """Replace a record and its copies, if the stored record is still the one that was read.

        Args:
            indexed: whether `also` changes the student's item in the school's index.
            checked: check that no erasure is pending; if one is, complete it and retry.

        Raises:
            ConditionFailed: the stored record changed, or another condition did not hold.
            InvalidRequest: the student leaves and joins more groups than can be written at once.
        """
        student = read_student(new)
        left = frozenset() if stored is None else read_student(stored).groups - student.groups
        actions = [self._table.put_action(new, *_unchanged(stored)), *also]
        if checked:
            actions.append(self._erasures.check_none_action(student.id))
        for roster in roster_partitions(student.groups):
            member = {"pk": roster, "sk": keys.member(student.id), **student_document(student)}
            actions.append(self._table.put_action(member))
        left_rosters = roster_partitions(left)[1:]
        actions += [self._table.delete_action((roster, keys.member(student.id))) for roster in left_rosters]
        actions.append(self._index.bump_action([student.id] if indexed else []))
        actions += map(self._bump_group_action, student.groups | left)
        if len(actions) > MAX_TRANSACTION_ACTIONS:
            raise InvalidRequest(f"{student.id} changes too many groups at once. Change them in two steps.")
        try:
            self._table.transact_write(actions)
        except ConditionFailed as error:
            only_pending_erasure = checked and error.failed == {len(also) + 1}
            if not only_pending_erasure:
                raise
            self._erasures.finish(student.id)
            self._store(new, stored, also, indexed=indexed)

    def _replace_template(self, stored: Item, template: Template) -> None:
        """Write a changed template and its copy, if the record is still the one that was read before the template."""
        copy = keys.new_training_copy()
        old_copy = self._objects.pending.new_entry(models=[stored["training_copy"]])
        student = read_student(stored)
        also = [
            self._table.put_action(template_item(template)),
            self._copies.put_action(student.id, copy),
            self._copies.delete_outdated_action(student.id),
            self._objects.pending.put_action(old_copy),
            self._index.put_action(template.mean_view()),
        ]
        self._store(record_item(student, stored["photo"], copy), stored, also, indexed=True)
        self._copies.write(template, copy)
        self._objects.delete(old_copy)

    def _update_record(self, student_id: StudentId, change: Callable[[Item], _Result]) -> _Result:
        """Call `change` with the record, and retry if the record changed concurrently."""
        for attempt in range(_ATTEMPTS):
            stored = self._record(student_id)
            try:
                return change(stored)
            except ConditionFailed:
                self._erasures.finish(student_id)
            back_off(attempt)
        raise changed_concurrently(f"The record of {student_id}")


def _unchanged(stored: Item | None) -> tuple[str, Item]:
    """Return the condition, with its values, that a record is still the one that was read."""
    if stored is None:
        return "attribute_not_exists(pk)", {}
    return "revision = :read", {":read": stored["revision"]}


def _check_can_be_added(student: Student, stored: Item | None, replaces: Student | None) -> None:
    if stored is None:
        return
    if "photo" in stored:
        raise _exists(student.id)
    if stored["version"] != student.version - 1 or (replaces is not None and read_student(stored) != replaces):
        raise changed_concurrently(f"The record of {student.id}")


def _check_can_be_replaced(stored: Item, replaces: Student) -> None:
    if "photo" not in stored:
        raise not_registered(replaces.id)
    if read_student(stored) != replaces:
        raise changed_concurrently(f"The record of {replaces.id}")


def _exists(student_id: StudentId) -> StudentExists:
    return StudentExists(
        f"The id {student_id} belongs to a registered student. Choose another id, or erase that student first."
    )
