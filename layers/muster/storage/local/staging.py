"""Templates of another model pack, stored beside those in use."""

import json
import sqlite3
from collections.abc import Collection

from muster.domain.errors import VersionConflict
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable_packs
from muster.domain.student import Template
from muster.storage.documents import embeddings_bytes, read_embeddings
from muster.storage.local.database import Database
from muster.storage.local.files import Files
from muster.storage.local.transaction import transaction

# Templates in use that cannot be compared with a pack, and whether a staged one of the same photo can replace each.
_TEMPLATES_OF_OTHER_PACKS = """
    SELECT students.number, students.id, students.photo_file, staged.photo_digest IS templates.photo_digest
    FROM students JOIN templates ON templates.student = number
    LEFT JOIN staged_templates AS staged
    ON staged.student = number AND staged.pack IN (SELECT value FROM json_each(:packs))
    WHERE templates.pack NOT IN (SELECT value FROM json_each(:packs))
"""


class LocalStaging:
    """`StagedTemplates` on SQLite."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def packs(self) -> set[PackId]:
        """Return the packs of the templates in use."""
        return {PackId(pack) for (pack,) in self._database.read().execute("SELECT DISTINCT pack FROM templates")}

    def stage(self, template: Template) -> None:
        """Store a template beside the one in use; see `StagedTemplates.stage`."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT number FROM students JOIN templates ON templates.student = number WHERE id = ?",
                (template.student_id,),
            ).fetchone()
            if row is None:
                return
            connection.execute("DELETE FROM staged_templates WHERE student = ?", row)
            connection.execute(
                "INSERT INTO staged_templates (student, pack, photo_digest, embeddings) VALUES (?, ?, ?, ?)",
                (*row, template.pack, template.photo_digest, embeddings_bytes(template)),
            )

    def staged(self, pack: PackId) -> dict[StudentId, str]:
        """Return the students with a staged template; see `StagedTemplates.staged`."""
        rows = self._database.read().execute(
            "SELECT id, photo_digest FROM students JOIN staged_templates ON student = number"
            " WHERE pack IN (SELECT value FROM json_each(?))",
            (_packs(pack),),
        )
        return {StudentId(student_id): digest for student_id, digest in rows.fetchall()}

    def find(self, pack: PackId, students: Collection[StudentId]) -> list[Template]:
        """Return the staged templates of some students; see `StagedTemplates.find`."""
        rows = self._database.read().execute(
            "SELECT id, pack, photo_digest, embeddings FROM students JOIN staged_templates ON student = number"
            " WHERE pack IN (SELECT value FROM json_each(?))",
            (_packs(pack),),
        )
        return [
            Template(StudentId(student_id), PackId(made_by), read_embeddings(blob), digest)
            for student_id, made_by, digest, blob in rows.fetchall()
            if student_id in students
        ]

    def delete(self) -> int:
        """Delete all staged templates; see `StagedTemplates.delete`."""
        with self._database.write() as connection:
            count = connection.execute("DELETE FROM staged_templates").rowcount
        self._database.truncate_log()
        return count

    def switch(self, pack: PackId, leave_out: Collection[StudentId]) -> int:
        """Switch to the staged templates; see `StagedTemplates.switch`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            others = connection.execute(_TEMPLATES_OF_OTHER_PACKS, {"packs": _packs(pack)}).fetchall()
            ready = [number for number, _, _, fits in others if fits]
            left = [(number, student_id, photo) for number, student_id, photo, fits in others if not fits]
            unexpected = sorted(student_id for _, student_id, _ in left if student_id not in leave_out)
            if unexpected:
                raise VersionConflict(
                    f"{unexpected[0]} was registered during the migration. Stop registrations, then run it again."
                )
            for number in ready:
                _put_in_use(connection, number)
            for number, _, photo in left:
                tx.remove_files(photo)
                _unregister(connection, number)
            connection.execute("DELETE FROM staged_templates")
            connection.execute("UPDATE rosters SET version = version + 1")
        self._database.truncate_log()
        return len(ready)


def _packs(pack: PackId) -> str:
    return json.dumps(comparable_packs(pack))


def _put_in_use(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM templates WHERE student = ?", (number,))
    connection.execute(
        "INSERT INTO templates (student, pack, photo_digest, learned, embeddings)"
        " SELECT student, pack, photo_digest, '[]', embeddings FROM staged_templates WHERE student = ?",
        (number,),
    )


def _unregister(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM templates WHERE student = ?", (number,))
    connection.execute(
        "UPDATE students SET consent_given_at = NULL, consent_wording = NULL, consent_withdrawn_at = NULL,"
        " consent_stated_by = NULL, consent_renewed_after = NULL, registered_at = NULL,"
        " photo_file = NULL, photo_changed_at = NULL, photo_changed_by = NULL, version = version + 1 WHERE number = ?",
        (number,),
    )
