"""Pictures of a session for people to look at, drawn when they are asked for: names change, and decisions do."""

from muster.domain.errors import PhotoNotFound
from muster.domain.identifiers import FaceId, PhotoId, SessionId
from muster.services.annotation import annotate
from muster.services.corrections import photo_of
from muster.services.pictures import crop, small_jpeg
from muster.services.sessions import Sessions
from muster.storage.ports import SessionStore
from muster.vision.decode import decode


class SessionPictures:
    """The use cases of looking at a session's photos, as long as they are kept."""

    def __init__(self, sessions: Sessions, store: SessionStore) -> None:
        self._sessions = sessions
        self._store = store

    def annotated(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as JPEG with the names that its faces have now.

        Raises:
            SessionNotFound: no session has this id.
            PhotoNotFound: the session has no such photo, or it is no longer kept.
        """
        detail = self._sessions.get(session_id)
        photo = next((photo for photo in detail.photos if photo.id == photo_id), None)
        if photo is None:
            raise PhotoNotFound(f"The session has no photo {photo_id[:80]}: read its photos again.")
        pixels = decode(self._store.original(session_id, photo_id)).pixels
        return annotate(pixels, photo.faces, detail.names)

    def face(self, session_id: SessionId, face_id: FaceId) -> bytes:
        """Return a face, with some of what is around it, as JPEG.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the face is not of this session.
            PhotoNotFound: its photo is no longer kept.
        """
        photo = photo_of(self._store.photos(session_id), face_id)
        box = next(face.box for face in photo.faces if face.face_id == face_id)
        return small_jpeg(crop(decode(self._store.original(session_id, photo.id)).pixels, box))
