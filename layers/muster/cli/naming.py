"""Look up sessions, faces and photos by the beginning of their ids, and the newest session by `last`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import typer

from muster.domain.errors import FaceNotFound, InvalidRequest, PhotoNotFound, SessionNotFound
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, parse_group_id, parse_session_id

if TYPE_CHECKING:
    from muster.services.roll_call.sessions import Sessions
    from muster.services.roster.groups import Groups

LAST: Final = "last"
_SHOWN: Final = 8

SessionArgument = Annotated[
    str, typer.Argument(help="The session's id or the beginning of it, or `last` for the newest.")
]
GroupOption = Annotated[str | None, typer.Option("--group", help="Look for the session in this group only.")]


class SessionServices(Protocol):
    """The services that sessions are looked up with."""

    @property
    def groups(self) -> Groups:
        """Classes and courses."""

    @property
    def sessions(self) -> Sessions:
        """Roll calls."""


def find_session(records: SessionServices, text: str, group: str | None = None) -> SessionId:
    """Return the session with an id or the beginning of one, or the newest session.

    Raises:
        SessionNotFound: no session matches.
        InvalidRequest: several sessions match, or `text` cannot begin an id.
    """
    identifier = parse_session_id(text)
    groups = [known.id for known in records.groups.find()] if group is None else [parse_group_id(group)]
    if text == LAST:
        return _last(records.sessions, groups)
    found = {session.id: session for session in records.sessions.find(groups)}
    if identifier in found:
        return identifier
    matching = [session for session in found.values() if session.id.startswith(text)]
    if not matching:
        raise SessionNotFound(f"There is no session {text}: `muster sessions list` lists all sessions.")
    if len(matching) > 1:
        listed = _listed(f"{match.id} ({match.group_id}, {match.started_at:%Y-%m-%d})" for match in reversed(matching))
        raise InvalidRequest(f"{len(matching)} sessions begin with {text}: {listed}. Type more of the id.")
    return matching[0].id


def find_face(sessions: Sessions, text: str, session_id: SessionId) -> FaceId:
    """Return the face of a session with an id or the beginning of one.

    Raises:
        FaceNotFound: no face matches.
        InvalidRequest: several faces match.
    """
    faces = [face.face_id for photo in sessions.get(session_id).photos for face in photo.faces]
    matching = _matching(text, faces, "faces")
    if not matching:
        raise FaceNotFound(f"The session {session_id} has no face {text}: `muster sessions questions` shows its faces.")
    return FaceId(matching[0])


def find_photo(sessions: Sessions, text: str, session_id: SessionId) -> PhotoId:
    """Return the photo of a session with an id or the beginning of one.

    Raises:
        PhotoNotFound: no photo matches.
        InvalidRequest: several photos match.
    """
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
