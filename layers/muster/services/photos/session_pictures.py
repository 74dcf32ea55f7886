"""Pictures of a session for people to look at, drawn when they are asked for: names change, and decisions do."""

import numpy as np
from numpy.typing import NDArray

from muster.domain.attendance import SessionPhoto
from muster.domain.errors import PhotoNotFound
from muster.domain.identifiers import FaceId, PhotoId, SessionId
from muster.services.photos.annotation import annotate
from muster.services.photos.decoding import read_stored
from muster.services.photos.thumbnails import crop, small_jpeg
from muster.services.roll_call.corrections import photo_of
from muster.services.roll_call.sessions import SessionDetail, Sessions
from muster.storage.ports import SessionStore
from muster.vision.decode import Decode, decode
from muster.vision.orientation import turn

SIDE = 2560
"""Pixels of the longer side of a photo to look at: faces at the back are still told apart when it is enlarged."""


class SessionPictures:
    """The use cases of looking at a session's photos, as long as they are kept.

    Each of them raises `StoredPhotoDamaged` where the store's copy cannot be read.
    """

    def __init__(self, sessions: Sessions, store: SessionStore, decode: Decode = decode) -> None:
        self._sessions = sessions
        self._store = store
        self._decode = decode

    def annotated(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as JPEG with the names that its faces have now.

        Raises:
            SessionNotFound: no session has this id.
            PhotoNotFound: the session has no such photo, or it is no longer kept.
        """
        detail = self._sessions.get(session_id)
        photo = _photo(detail, photo_id)
        return annotate(self._pixels(photo), photo.faces, detail.names)

    def photo(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as it was taken, upright, as JPEG of a size to look at.

        Raises:
            SessionNotFound: no session has this id.
            PhotoNotFound: the session has no such photo, or it is no longer kept.
        """
        photo = _photo(self._sessions.get(session_id), photo_id)
        return small_jpeg(self._pixels(photo), SIDE)

    def face(self, session_id: SessionId, face_id: FaceId) -> bytes:
        """Return a face, with some of what is around it, as JPEG.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the face is not of this session.
            PhotoNotFound: its photo is no longer kept.
        """
        photo = photo_of(self._store.photos(session_id), face_id)
        box = next(face.box for face in photo.faces if face.face_id == face_id)
        return small_jpeg(crop(self._pixels(photo), box))

    def _pixels(self, photo: SessionPhoto) -> NDArray[np.uint8]:
        original = self._store.original(photo.session_id, photo.id)
        return turn(read_stored(self._decode, original).pixels, photo.turned)


def _photo(detail: SessionDetail, photo_id: PhotoId) -> SessionPhoto:
    photo = next((photo for photo in detail.photos if photo.id == photo_id), None)
    if photo is None:
        raise PhotoNotFound(f"The session has no photo {photo_id[:80]}: read its photos again.")
    return photo
