"""The tables, as migrations from an empty database to the current layout.

`PRAGMA user_version` counts the migrations that were applied. A released migration is never changed; a new one is
added. Times are ISO 8601 text in UTC with microseconds, which sorts by time.
"""

_STUDENTS = """
CREATE TABLE students (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    consent_given_at TEXT NOT NULL,
    consent_wording TEXT NOT NULL,
    consent_withdrawn_at TEXT,
    registered_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    photo_file TEXT NOT NULL
) STRICT
"""

PAGE_SIZE = 4096
"""Bytes of a database page (SQLite's default, which some builds change)."""

# When SQLite moves a row to another page, its bytes stay in the old page, even with `secure_delete`; only whole pages
# are overwritten when they are freed. The first page of a row holds less than PAGE_SIZE bytes of it
# (sqlite.org/fileformat2.html, cell payload overflow). After as many zeros, the embeddings therefore lie in pages of
# their own, which are freed and overwritten with the row.
_TEMPLATES = f"""
CREATE TABLE templates (
    student INTEGER PRIMARY KEY REFERENCES students (number) ON DELETE CASCADE,
    pack TEXT NOT NULL,
    photo_digest TEXT NOT NULL,
    padding BLOB NOT NULL DEFAULT (zeroblob({PAGE_SIZE})),
    embeddings BLOB NOT NULL
) STRICT
"""

_MEMBERSHIPS = """
CREATE TABLE memberships (
    group_id TEXT NOT NULL,
    student INTEGER NOT NULL REFERENCES students (number) ON DELETE CASCADE,
    PRIMARY KEY (group_id, student)
) STRICT, WITHOUT ROWID
"""

# The empty group id, which no group can have, stands for the whole school.
_ROSTERS = """
CREATE TABLE rosters (
    group_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""

_SESSIONS = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL,
    started_at TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""

_SESSION_PHOTOS = """
CREATE TABLE session_photos (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    digest TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    faces TEXT NOT NULL,
    pack TEXT NOT NULL,
    head INTEGER,
    received_at TEXT NOT NULL,
    original_file TEXT,
    annotated_file TEXT,
    PRIMARY KEY (session_id, id)
) STRICT
"""

_MARKS = """
CREATE TABLE marks (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    student_id TEXT NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    marked_at TEXT NOT NULL,
    PRIMARY KEY (session_id, student_id)
) STRICT, WITHOUT ROWID
"""

_HEADS = """
CREATE TABLE heads (
    pack TEXT NOT NULL,
    version INTEGER NOT NULL,
    stored_at TEXT NOT NULL,
    metrics TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (pack, version)
) STRICT
"""

# Not in the heads, so that the number of a deleted head is not used again.
_HEAD_POINTERS = """
CREATE TABLE head_pointers (
    pack TEXT PRIMARY KEY,
    last_version INTEGER NOT NULL,
    current INTEGER,
    FOREIGN KEY (pack, current) REFERENCES heads (pack, version)
) STRICT
"""

_TRAINING = """
CREATE TABLE training (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    running TEXT,
    started_at TEXT,
    heartbeat_at TEXT,
    dirty INTEGER NOT NULL,
    last_outcome TEXT
) STRICT
"""

# From this layout on, a student may be on the roster without consent, photo and template.
_STUDENTS_2 = """
CREATE TABLE students_2 (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    consent_given_at TEXT,
    consent_wording TEXT,
    consent_withdrawn_at TEXT,
    registered_at TEXT,
    version INTEGER NOT NULL,
    photo_file TEXT
) STRICT
"""

_TEMPLATES_2 = f"""
CREATE TABLE templates_2 (
    student INTEGER PRIMARY KEY REFERENCES students_2 (number) ON DELETE CASCADE,
    pack TEXT NOT NULL,
    photo_digest TEXT NOT NULL,
    learned TEXT NOT NULL,
    padding BLOB NOT NULL DEFAULT (zeroblob({PAGE_SIZE})),
    embeddings BLOB NOT NULL
) STRICT
"""

_MEMBERSHIPS_2 = """
CREATE TABLE memberships_2 (
    group_id TEXT NOT NULL,
    student INTEGER NOT NULL REFERENCES students_2 (number) ON DELETE CASCADE,
    PRIMARY KEY (group_id, student)
) STRICT, WITHOUT ROWID
"""

_GROUPS = """
CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    teachers TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""

_CHANGES = """
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    change TEXT NOT NULL
) STRICT
"""

_ANSWERS = """
CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    status INTEGER,
    media_type TEXT,
    body BLOB
) STRICT
"""

_USERS = """
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    token_digest TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID
"""

# Templates of another model pack, until every student has one. The padding has the same reason as in `templates`.
_STAGED_TEMPLATES = f"""
CREATE TABLE staged_templates (
    student INTEGER PRIMARY KEY REFERENCES students (number) ON DELETE CASCADE,
    pack TEXT NOT NULL,
    photo_digest TEXT NOT NULL,
    padding BLOB NOT NULL DEFAULT (zeroblob({PAGE_SIZE})),
    embeddings BLOB NOT NULL
) STRICT
"""

# Values of the whole store, such as the key of the digests in `erasures`.
_STORE = """
CREATE TABLE store (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""

# Students who were erased or withdrew, as keyed digests, so that a restore can erase them again.
_ERASURES = """
CREATE TABLE erasures (
    token TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""

# Files that are to be removed because their rows are gone.
_REMOVED_FILES = """
CREATE TABLE removed_files (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID
"""

_DOCUMENTS = """
CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT
"""

_STORE_AS_A_WHOLE = (
    _STORE,
    "INSERT INTO store VALUES ('erasure_key', lower(hex(randomblob(32))))",
    # Earlier versions left bytes of erased rows in the free space of pages.
    "INSERT INTO store SELECT 'rewrite_due', lower(hex(randomblob(16))) WHERE EXISTS (SELECT 1 FROM rosters)",
    _ERASURES,
    _REMOVED_FILES,
)

# Before marks in review existed, students with an open question were marked absent. Faces that a person decided on are
# not in review any more. No mark was in review before, so every session with one has changed.
# Damaged face lists are skipped, since an error would prevent the store from opening.
_MARKS_IN_REVIEW = (
    """
    UPDATE marks SET status = 'review'
    WHERE status = 'absent' AND source = 'photo' AND EXISTS (
        SELECT 1 FROM session_photos
        JOIN json_each(CASE WHEN json_valid(faces) THEN faces ELSE '[]' END) AS face
        WHERE session_photos.session_id = marks.session_id
        AND CASE WHEN face.type = 'object' THEN json_extract(face.value, '$.decision') END = 'review'
        AND CASE WHEN face.type = 'object' THEN json_extract(face.value, '$.student_id') END = marks.student_id
    )
    """,
    "UPDATE sessions SET version = version + 1 WHERE id IN (SELECT session_id FROM marks WHERE status = 'review')",
)

# Learned faces were stored as ids, without provenance. Earlier versions cannot read the new form.
_LEARNED_FACES_WITH_PROVENANCE = """
UPDATE templates SET learned = (
    SELECT json_group_array(json_object('face_id', face.value, 'automatic', json('false')))
    FROM json_each(learned) AS face
) WHERE json_valid(learned) AND learned <> '[]'
"""

# Earlier versions stored a copy of each photo with the names drawn on it. It is now drawn on request.
_NO_ANNOTATED_FILES = (
    "INSERT OR IGNORE INTO removed_files SELECT annotated_file FROM session_photos WHERE annotated_file IS NOT NULL",
    "ALTER TABLE session_photos DROP COLUMN annotated_file",
)

# Codes of the school's table, minutes late and remarks; the lesson of a session, and whether its register is closed.
_REGISTERS = (
    "ALTER TABLE marks ADD COLUMN code TEXT",
    "ALTER TABLE marks ADD COLUMN minutes_late INTEGER",
    "ALTER TABLE marks ADD COLUMN remark TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN lesson TEXT",
    "ALTER TABLE sessions ADD COLUMN closed TEXT",
)

# The last replacement of a registration photo.
_PHOTO_CHANGES = (
    "ALTER TABLE students ADD COLUMN photo_changed_at TEXT",
    "ALTER TABLE students ADD COLUMN photo_changed_by TEXT",
)

# Child tables are copied and dropped before their parent, since dropping the parent first would delete their rows.
_ROSTER_WITHOUT_TEMPLATES = (
    _STUDENTS_2,
    "INSERT INTO students_2 SELECT * FROM students",
    "UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'students')"
    " WHERE name = 'students_2'",
    _TEMPLATES_2,
    "INSERT INTO templates_2 (student, pack, photo_digest, learned, embeddings)"
    " SELECT student, pack, photo_digest, '[]', embeddings FROM templates",
    _MEMBERSHIPS_2,
    "INSERT INTO memberships_2 SELECT * FROM memberships",
    "DROP TABLE templates",
    "DROP TABLE memberships",
    "DROP TABLE students",
    "ALTER TABLE students_2 RENAME TO students",
    "ALTER TABLE templates_2 RENAME TO templates",
    "ALTER TABLE memberships_2 RENAME TO memberships",
    "CREATE INDEX memberships_of_student ON memberships (student)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        _STUDENTS,
        _TEMPLATES,
        _MEMBERSHIPS,
        "CREATE INDEX memberships_of_student ON memberships (student)",
        _ROSTERS,
        _SESSIONS,
        "CREATE INDEX sessions_of_group ON sessions (group_id, started_at)",
        _SESSION_PHOTOS,
        _MARKS,
        "CREATE INDEX marks_of_student ON marks (student_id)",
        _HEADS,
        _HEAD_POINTERS,
        _TRAINING,
        "INSERT INTO training (only_row, dirty) VALUES (1, 0)",
    ),
    (
        *_ROSTER_WITHOUT_TEMPLATES,
        "ALTER TABLE sessions ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE sessions ADD COLUMN erased TEXT NOT NULL DEFAULT '{}'",
        _GROUPS,
        "INSERT INTO groups SELECT group_id, group_id, '[]', 1 FROM"
        " (SELECT group_id FROM memberships UNION SELECT group_id FROM sessions)",
        _CHANGES,
        "CREATE INDEX changes_of_session ON changes (session_id)",
        _ANSWERS,
        _USERS,
    ),
    (_STAGED_TEMPLATES,),
    _STORE_AS_A_WHOLE,
    _MARKS_IN_REVIEW,
    (
        "ALTER TABLE students ADD COLUMN consent_stated_by TEXT",
        "ALTER TABLE students ADD COLUMN consent_renewed_after TEXT",
        # The request that holds a claim. Claims from before this migration expire.
        "ALTER TABLE answers ADD COLUMN claim TEXT",
    ),
    ("CREATE INDEX session_photos_of_digest ON session_photos (digest)",),
    ("ALTER TABLE session_photos ADD COLUMN turned INTEGER NOT NULL DEFAULT 0",),
    # The key of a digest from another store's list; null for this store's own.
    ("ALTER TABLE erasures ADD COLUMN list_key TEXT",),
    (_LEARNED_FACES_WITH_PROVENANCE,),
    _NO_ANNOTATED_FILES,
    (_DOCUMENTS,),
    _REGISTERS,
    _PHOTO_CHANGES,
)
