"""Attendance codes."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from muster.domain.attendance import MarkStatus
from muster.domain.codes import MAX_CODES, MAX_MEANING, PRESETS, AttendanceCode, CodeTable


class NewCode(BaseModel):
    """An attendance code."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=4, examples=["L"])
    meaning: str = Field(min_length=1, max_length=MAX_MEANING, examples=["Late"])
    status: Literal["present", "absent", "late", "excused"] = Field(
        description="What it counts as: late counts as present, and excused is not counted.", examples=["late"]
    )
    colour: str = Field(pattern=r"^#[0-9a-f]{6}$", examples=["#9a6700"])
    retired: bool = Field(default=False, description="Not offered any more; marks that have it keep it.")
    afternoon: bool = Field(
        default=False, description="The default of its status in sessions that start at noon or later."
    )

    in_building: bool | None = Field(
        default=None,
        description="Whether a student with this code is in the building, for the evacuation list. Left out, a known "
        "code keeps it, and a new one follows its status.",
        examples=[True],
    )

    def code_of(self) -> AttendanceCode:
        """Return the code."""
        return AttendanceCode(
            self.code,
            self.meaning,
            MarkStatus(self.status),
            self.colour,
            self.retired,
            self.afternoon,
            self.in_building,
        )


class CodesChange(BaseModel):
    """The codes of a school: a list, or the name of a preset."""

    model_config = ConfigDict(extra="forbid")

    codes: list[NewCode] | None = Field(default=None, min_length=1, max_length=MAX_CODES)
    preset: str | None = Field(default=None, examples=list(PRESETS))

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuse both or neither."""
        if (self.codes is None) == (self.preset is None):
            raise ValueError("give either codes or a preset")
        return self


class CodeDocument(BaseModel):
    """An attendance code of the school."""

    code: str = Field(examples=["L"])
    meaning: str = Field(examples=["Late"])
    status: MarkStatus
    colour: str = Field(examples=["#9a6700"])
    retired: bool
    afternoon: bool
    in_building: bool = Field(description="A student with this code is in the building.")
    used: bool = Field(description="Some mark has it, so it cannot be removed or count as something else.")


class CodesDocument(BaseModel):
    """The school's attendance codes."""

    version: int = Field(description="0 until the school has chosen; the ETag.")
    preset: str = Field(description="The preset that they came from; empty for codes of the school's own.")
    presets: list[str] = Field(description="The presets that can be chosen.")
    codes: list[CodeDocument] = Field(
        description="In the order in which they are offered. The first of a status is its default."
    )

    @classmethod
    def of(cls, table: CodeTable, version: int) -> "CodesDocument":
        """Describe a table."""
        return cls(
            version=version,
            preset=table.preset,
            presets=list(PRESETS),
            codes=[
                CodeDocument(
                    code=code.code,
                    meaning=code.meaning,
                    status=code.status,
                    colour=code.colour,
                    retired=code.retired,
                    afternoon=code.afternoon,
                    in_building=code.is_in_building,
                    used=code.code in table.used,
                )
                for code in table.codes
            ],
        )
