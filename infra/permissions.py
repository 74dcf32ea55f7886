"""Permissions of the functions and of the training job: one table per role, with the reasons.

tests/infra/test_permissions.py replays recorded calls of each role against the synthesized policies.
"""

from typing import Final

from infra import names
from infra.grants import DELETE, READ, TABLE_READ, TABLE_WRITE, WRITE, Items, Listing, Objects
from muster.domain.documents import DocumentKind
from muster.storage.aws import keys

_ALL_ITEMS: Final = Items("Table", (*TABLE_READ, *TABLE_WRITE))

REGISTER: Final = (
    _ALL_ITEMS,
    Objects("TakeUploads", "photos", (*READ, *DELETE), (names.UPLOADS_REGISTER,)),
    Listing("FindPhotos", "photos", (names.UPLOADS_REGISTER, keys.REGISTRATION_PHOTOS)),
    Objects("KeepRegistrationPhotos", "photos", (*READ, *WRITE, *DELETE), (keys.REGISTRATION_PHOTOS,)),
    Objects("KeepTrainingCopies", "models", (*WRITE, *DELETE), (keys.TEMPLATES,)),
    # Registering an id again completes an erasure of it that was interrupted.
    Objects("FinishErasures", "photos", DELETE, (keys.SESSION_PHOTOS,)),
    # The statistics of the school's own students are stored with the heads.
    Objects("ReadHeads", "models", READ, (keys.HEADS,)),
    Listing("FindHeads", "models", (keys.HEADS,)),
)

DETECT: Final = (
    _ALL_ITEMS,
    Objects("TakeUploads", "photos", (*READ, *DELETE), (names.UPLOADS_DETECT,)),
    Objects("KeepSessionPhotos", "photos", (*READ, *WRITE, *DELETE), (keys.SESSION_PHOTOS,)),
    Listing("FindPhotos", "photos", (names.UPLOADS_DETECT, keys.SESSION_PHOTOS)),
    Objects("LearnFaces", "models", (*WRITE, *DELETE), (keys.TEMPLATES,)),
    # Teaching a face of an id completes an erasure of it that was interrupted.
    Objects("FinishErasures", "photos", DELETE, (keys.REGISTRATION_PHOTOS,)),
    Objects("ReadHeads", "models", READ, (keys.HEADS,)),
    Listing("FindHeads", "models", (keys.HEADS,)),
)

ROSTER: Final = (
    _ALL_ITEMS,
    Objects("OfferUploads", "photos", WRITE, (names.UPLOADS_REGISTER, names.UPLOADS_DETECT)),
    Objects("ShowAndErasePhotos", "photos", (*READ, *DELETE), (keys.REGISTRATION_PHOTOS, keys.SESSION_PHOTOS)),
    Listing("FindPhotos", "photos", (keys.REGISTRATION_PHOTOS, keys.SESSION_PHOTOS)),
    Objects("KeepTrainingCopies", "models", (*WRITE, *DELETE), (keys.TEMPLATES,)),
    Objects("EraseTraining", "models", DELETE, (keys.HEADS, keys.CHECKPOINTS)),
)

SWEEP: Final = (
    _ALL_ITEMS,
    # What erasures, removals and registrations of other functions left undone.
    Objects("FinishErasures", "photos", DELETE, (keys.REGISTRATION_PHOTOS, keys.SESSION_PHOTOS)),
    Objects("KeepTrainingCopies", "models", (*WRITE, *DELETE), (keys.TEMPLATES,)),
    Objects("EraseTraining", "models", DELETE, (keys.HEADS, keys.CHECKPOINTS)),
)

NOTICES: Final = (
    Items("ReadRegisters", (*TABLE_READ, "dynamodb:ConditionCheckItem")),
    Items(
        "KeepNotices",
        ("dynamodb:PutItem", "dynamodb:DeleteItem"),
        tuple(keys.document_partition(kind) for kind in (DocumentKind.NOTICES, DocumentKind.NOTICE_DAYS)),
    ),
)
"""No photo and no mark can be changed by the function that sends notices."""

_TRAINING_STATE: Final = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")

RETRAIN: Final = (Items("State", _TRAINING_STATE, (keys.TRAINING,)),)

TRAINING_JOB: Final = (
    Objects("ReadTemplates", "models", READ, (keys.TEMPLATES,)),
    Objects("KeepHeads", "models", (*READ, *WRITE, *DELETE), (keys.HEADS, keys.CHECKPOINTS)),
    Listing("List", "models", (keys.TEMPLATES, keys.HEADS, keys.CHECKPOINTS)),
    Items(
        "State",
        (
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:ConditionCheckItem",
        ),
        (keys.TRAINING, names.HEADS_PARTITIONS),
    ),
)
"""The job has no access to photos, names or marks."""
