"""Exports by a mapping: a small file in which an admin names columns and values for another program."""

import csv
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from muster.domain.attendance import MarkStatus
from muster.domain.errors import InvalidRequest
from muster.reports.mark_rows import MarkRow

_FIELDS: Final[Mapping[str, Callable[[MarkRow, "FileMapping"], str]]] = {
    "student_id": lambda row, _: row.student_id,
    "student": lambda row, _: row.student,
    "group_id": lambda row, _: row.session.group_id,
    "group": lambda row, _: row.group,
    "session_id": lambda row, _: row.session.id,
    "date": lambda row, mapping: row.starts_at.strftime(mapping.date_format),
    "start": lambda row, mapping: row.starts_at.strftime(mapping.time_format),
    "end": lambda row, mapping: row.ends_at.strftime(mapping.time_format),
    "subject": lambda row, _: row.session.lesson.subject if row.session.lesson else "",
    "teacher": lambda row, _: row.session.lesson.teacher if row.session.lesson else "",
    "room": lambda row, _: row.session.lesson.room if row.session.lesson else "",
    "status": lambda row, _: row.mark.status.value,
    "code": lambda row, _: row.code,
    "minutes_late": lambda row, _: "" if row.mark.minutes_late is None else str(row.mark.minutes_late),
    "remark": lambda row, _: row.mark.remark,
}
FIELDS: Final = tuple(_FIELDS)
"""What a column can hold."""

_Text = Annotated[str, Field(max_length=200)]


class ColumnMapping(BaseModel):
    """One column of the file: a field with its values translated, or the same text in each row."""

    model_config = ConfigDict(extra="forbid")

    title: _Text = Field(examples=["Pupil"])
    field: Literal[FIELDS] | None = Field(default=None, description="What the column holds.")  # type: ignore[valid-type]
    text: _Text | None = Field(default=None, description="The same text in each row, instead of a field.")
    values: dict[_Text, _Text] = Field(
        default_factory=dict, max_length=200, description="Other words for values of the field; the rest is unchanged."
    )

    @model_validator(mode="after")
    def _one_source(self) -> "ColumnMapping":
        if (self.field is None) == (self.text is None):
            raise ValueError("give exactly one of field and text")
        return self


class FileMapping(BaseModel):
    """Columns and format of a file with one row per mark."""

    model_config = ConfigDict(extra="forbid")

    columns: list[ColumnMapping] = Field(min_length=1, max_length=50)
    statuses: list[MarkStatus] = Field(
        default=[MarkStatus.PRESENT, MarkStatus.LATE, MarkStatus.ABSENT, MarkStatus.EXCUSED],
        description="Marks to write. Open questions are left out unless `review` is among them.",
    )
    delimiter: Literal["comma", "semicolon", "tab"] = "comma"
    encoding: Literal["utf-8", "utf-8-sig", "windows-1252", "iso-8859-1"] = "utf-8"
    date_format: Annotated[str, Field(max_length=40)] = Field(default="%Y-%m-%d", description="As in strftime.")
    time_format: Annotated[str, Field(max_length=40)] = Field(default="%H:%M", description="As in strftime.")
    header: bool = Field(default=True, description="Whether the first row has the titles.")


def read_mapping(document: Any) -> FileMapping:
    """Check a mapping.

    Args:
        document: JSON text, or what was read from it.

    Raises:
        InvalidRequest: it is not a mapping; the message names the place.
    """
    try:
        if isinstance(document, str | bytes):
            return FileMapping.model_validate_json(document)
        return FileMapping.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidRequest(f"The mapping is not valid at {place}: {first['msg']}.") from error


def mapped_file(rows: Iterable[MarkRow], mapping: FileMapping) -> bytes:
    """Return a file with one row per mark, for another program.

    Nothing is added for spreadsheets. Characters that the encoding lacks become question marks.
    """
    text = StringIO()
    character = {"comma": ",", "semicolon": ";", "tab": "\t"}[mapping.delimiter]
    writer = csv.writer(text, delimiter=character)
    if mapping.header:
        writer.writerow([column.title for column in mapping.columns])
    wanted = frozenset(mapping.statuses)
    for row in rows:
        if row.mark.status in wanted:
            writer.writerow([_cell(row, column, mapping) for column in mapping.columns])
    return text.getvalue().encode(mapping.encoding, errors="replace")


def _cell(row: MarkRow, column: ColumnMapping, mapping: FileMapping) -> str:
    if column.field is None:
        return column.text or ""
    value = _FIELDS[column.field](row, mapping)
    return column.values.get(value, value)
