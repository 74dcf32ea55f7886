"""Pictures of a session, drawn on request, since names and decisions change."""

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
"""Longer side in pixels of a photo to view; enough to recognise faces at the back when zoomed in."""


class SessionPictures:
    """Draws pictures of a session's photos, as long as these are kept.

    Each method raises `StoredPhotoDamaged` if the stored photo cannot be read.
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
        """Return a photo without annotations, upright, as JPEG scaled for viewing.

        Raises:
            SessionNotFound: no session has this id.
            PhotoNotFound: the session has no such photo, or it is no longer kept.
        """
        photo = _photo(self._sessions.get(session_id), photo_id)
        return small_jpeg(self._pixels(photo), SIDE)

    def face(self, session_id: SessionId, face_id: FaceId) -> bytes:
        """Return a face with a margin, as JPEG.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the session has no such face.
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
