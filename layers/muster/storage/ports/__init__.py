"""The interfaces of the stores.

`storage.local` (SQLite and files) and `storage.aws` (DynamoDB and S3) implement them, and one contract test suite runs
against both. All methods may be called from several threads and processes. A method that writes is atomic, even if the
process is killed.
"""

from muster.storage.ports.accounts import AccountStore
from muster.storage.ports.documents import DocumentStore
from muster.storage.ports.groups import GroupStore
from muster.storage.ports.idempotency import CLAIM_LIFETIME, IdempotencyStore, StoredResponse
from muster.storage.ports.people import PersonStore
from muster.storage.ports.sessions import SessionStore
from muster.storage.ports.students import StagedTemplates, StudentStore
from muster.storage.ports.training import HeadStore, HeadVersion, TrainingState, TrainingStore
from muster.storage.ports.uploads import UploadStore
from muster.storage.ports.users import UserStore

__all__ = [
    "CLAIM_LIFETIME",
    "AccountStore",
    "DocumentStore",
    "GroupStore",
    "HeadStore",
    "HeadVersion",
    "IdempotencyStore",
    "PersonStore",
    "SessionStore",
    "StagedTemplates",
    "StoredResponse",
    "StudentStore",
    "TrainingState",
    "TrainingStore",
    "UploadStore",
    "UserStore",
]
