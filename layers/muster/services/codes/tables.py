"""Reading and changing the school's table of attendance codes, and marks by code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from muster.domain.attendance import MarkStatus
from muster.domain.codes import DEFAULT_TABLE, NOON, AttendanceCode, CodeTable, place_in_presets
from muster.domain.corrections import MarkByHand
from muster.domain.documents import SCHOOL, DocumentKind
from muster.domain.errors import CodeNotFound, InvalidRequest, VersionConflict
from muster.domain.identifiers import StudentId
from muster.storage.ports import DocumentStore

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMark:
    """A mark as a person asks for it: with a status, or a code, or both.

    Attributes:
        minutes_late, remark: see `MarkByHand`.
    """

    status: MarkStatus | None = None
    code: str | None = None
    minutes_late: int | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Codes:
    """The table of codes.

    Attributes:
        zone: the school's time zone, in which the afternoon begins at noon.
    """

    documents: DocumentStore
    zone: ZoneInfo

    def table(self) -> tuple[CodeTable, int]:
        """Return the table, and the version of its document; 0 if the school has chosen none yet."""
        document = self.documents.get(DocumentKind.CODES, SCHOOL)
        if document.version == 0:
            return DEFAULT_TABLE, 0
        return _read_table(document.body), document.version

    def replace(self, codes: Iterable[AttendanceCode], expected: int) -> tuple[CodeTable, int]:
        """Replace the codes of the table; those that leave `in_building` open keep it.

        Raises:
            InvalidRequest: a code is malformed or appears twice, or a status has no code on offer.
            CodeInUse: a code that marks have is missing, or counts as something else.
            VersionConflict: the table has a different version.
        """
        table, _ = self.table()
        return self._put(table.replaced_by(table.completed(codes)), expected)

    def switch(self, preset: str, expected: int) -> tuple[CodeTable, int]:
        """Use the codes of a preset; codes that marks have stay, retired.

        Raises:
            InvalidRequest: there is no such preset.
            CodeInUse: a code that marks have counts as something else in the preset.
            VersionConflict: the table has a different version.
        """
        return self._put(self.table()[0].switched_to(preset), expected)

    def is_afternoon(self, started_at: datetime) -> bool:
        """Return whether a session starts at noon or later at the school."""
        return started_at.astimezone(self.zone).hour >= NOON

    def marks(self, wanted: Mapping[StudentId, WantedMark], started_at: datetime) -> dict[StudentId, MarkByHand]:
        """Look up the codes of marks, and note that they are used, before the marks are stored.

        The default code of a status is not stored with a mark, so that a school can choose another table.

        Args:
            started_at: start of the session, with its time zone.

        Raises:
            InvalidRequest: a mark has neither status nor code, or they contradict each other.
            CodeNotFound: the table does not offer a code.
        """
        if all(mark.code is None for mark in wanted.values()):
            return {student: _by_hand(mark, None) for student, mark in wanted.items()}
        table, _ = self.table()
        afternoon = self.is_afternoon(started_at)
        by_hand = {student: _look_up(table, mark, afternoon=afternoon) for student, mark in wanted.items()}
        self._note_used({mark.code for mark in by_hand.values() if mark.code is not None})
        return by_hand

    def _note_used(self, codes: set[str]) -> None:
        for _ in range(_ATTEMPTS):
            table, version = self.table()
            if codes <= table.used:
                return
            if missing := sorted(code for code in codes if table.find(code) is None):
                raise _not_found(missing[0])
            try:
                self._put(table.with_used(codes), version)
            except VersionConflict:
                continue
            return
        raise VersionConflict("The table of codes is being changed. Try again.")

    def _put(self, table: CodeTable, expected: int) -> tuple[CodeTable, int]:
        return table, self.documents.put(DocumentKind.CODES, SCHOOL, expected, _body(table)).version


def _look_up(table: CodeTable, mark: WantedMark, *, afternoon: bool) -> MarkByHand:
    if mark.code is None:
        return _by_hand(mark, None)
    code = table.find(mark.code)
    if code is None or code.retired:
        raise _not_found(mark.code)
    if mark.status not in (None, code.status):
        raise InvalidRequest(f"The code {code.code} counts as {code.status.value}, not as {mark.status}.")
    is_default = code == table.default(code.status, afternoon=afternoon)
    return MarkByHand(
        status=code.status,
        code=None if is_default else code.code,
        minutes_late=mark.minutes_late,
        remark=mark.remark,
    )


def _by_hand(mark: WantedMark, code: str | None) -> MarkByHand:
    if mark.status is None:
        raise InvalidRequest("Give each mark a status or a code.")
    return MarkByHand(status=mark.status, code=code, minutes_late=mark.minutes_late, remark=mark.remark)


def _not_found(code: str) -> CodeNotFound:
    return CodeNotFound(f"The table of codes does not offer {code[:20]!r}. Choose another code.")


def _body(table: CodeTable) -> dict[str, Any]:
    return {
        "preset": table.preset,
        "used": sorted(table.used),
        "codes": [
            {
                "code": code.code,
                "meaning": code.meaning,
                "status": code.status.value,
                "colour": code.colour,
                "retired": code.retired,
                "afternoon": code.afternoon,
                **({} if code.in_building is None else {"in_building": code.in_building}),
            }
            for code in table.codes
        ],
    }


def _read_table(body: Mapping[str, Any]) -> CodeTable:
    return CodeTable(tuple(map(_read_code, body["codes"])), body["preset"], frozenset(body["used"]))


def _read_code(stored: Mapping[str, Any]) -> AttendanceCode:
    code = AttendanceCode(**{**stored, "status": MarkStatus(stored["status"])})
    if code.in_building is not None:
        return code
    return replace(code, in_building=place_in_presets(code.code, code.meaning, code.status))
