"""Long ids as people name them: by their first characters, and the last session by `last`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from muster.composition.local import open_groups, open_sessions
from muster.domain.errors import FaceNotFound, InvalidRequest, PhotoNotFound, SessionNotFound
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, parse_group_id, parse_session_id
from muster.services.roll_call.sessions import Sessions

LAST: Final = "last"
_SHOWN: Final = 8

SessionArgument = Annotated[
    str, typer.Argument(help="The session's id, the beginning of one, or `last` for the newest.")
]
GroupOption = Annotated[str | None, typer.Option("--group", help="Look for the session in this group alone.")]


def find_session(text: str, group: str | None = None, data: Path | None = None) -> SessionId:
    """Return the session that a person named.

    Raises:
        SessionNotFound: there is none.
        InvalidRequest: it is the beginning of several ids, or no beginning of an id.
    """
    identifier = parse_session_id(text)
    sessions, _ = open_sessions(data)
    groups = [one.id for one in open_groups(data).find()] if group is None else [parse_group_id(group)]
    if text == LAST:
        return _last(sessions, groups)
    found = {session.id: session for session in sessions.find(groups)}
    if identifier in found:
        return identifier
    matching = [found[one] for one in found if one.startswith(text)]
    if not matching:
        raise SessionNotFound(f"There is no session {text}: `muster sessions list` shows those that there are.")
    if len(matching) > 1:
        listed = _listed(f"{one.id} ({one.group_id}, {one.started_at:%Y-%m-%d})" for one in reversed(matching))
        raise InvalidRequest(f"{len(matching)} sessions begin with {text}: {listed}. Type more of the id.")
    return matching[0].id


def find_face(text: str, session_id: SessionId, data: Path | None = None) -> FaceId:
    """Return the face of a session that a person named by its id or the beginning of it.

    Raises:
        FaceNotFound: there is none.
        InvalidRequest: it is the beginning of several ids.
    """
    sessions, _ = open_sessions(data)
    faces = [face.face_id for photo in sessions.get(session_id).photos for face in photo.faces]
    matching = _matching(text, faces, "faces")
    if not matching:
        raise FaceNotFound(f"The session {session_id} has no face {text}: `muster sessions questions` shows its faces.")
    return FaceId(matching[0])


def find_photo(text: str, session_id: SessionId, data: Path | None = None) -> PhotoId:
    """Return the photo of a session that a person named by its id or the beginning of it.

    Raises:
        PhotoNotFound: there is none.
        InvalidRequest: it is the beginning of several ids.
    """
    sessions, _ = open_sessions(data)
    matching = _matching(text, [photo.id for photo in sessions.get(session_id).photos], "photos")
    if not matching:
        raise PhotoNotFound(f"The session {session_id} has no photo {text}: `muster sessions show` lists its photos.")
    return PhotoId(matching[0])


def _matching(text: str, ids: Sequence[str], things: str) -> list[str]:
    matching = [found for found in ids if found == text] or [found for found in ids if found.startswith(text)]
    if len(matching) > 1:
        raise InvalidRequest(f"{len(matching)} {things} begin with {text}: {_listed(matching)}. Type more of the id.")
    return matching


def _last(sessions: Sessions, groups: list[GroupId]) -> SessionId:
    begun = sessions.find(groups, until=datetime.now(UTC))
    if not begun:
        raise SessionNotFound("There is no session yet: `muster detect PHOTO --group G` opens one.")
    return begun[-1].id


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:_SHOWN]) + (" and more" if len(shown) > _SHOWN else "")
