"""Roster imports: how the file was read, and the action for each row."""

from pydantic import BaseModel, Field

from muster.services.roster_import.execution import Finding, ImportReport, PlannedRow, RowAction, Severity
from muster.services.roster_import.table import RosterTable


class RowDocument(BaseModel):
    """The action of an import for one student."""

    row: int | None = Field(
        description="First row of the student, as a spreadsheet numbers it; null for a student who is not in "
        "the file and leaves a group.",
        examples=[2],
    )
    action: RowAction
    student_id: str = Field(examples=["0042"])
    name: str = Field(examples=["Ada Lovelace"])
    group_ids: list[str] = Field(description="The student's groups after the import.", examples=[["7b"]])
    joins: list[str] = Field(description="Groups that the student joins.", examples=[["7b"]])
    leaves: list[str] = Field(description="Groups that the student leaves.", examples=[["7a"]])

    @classmethod
    def of(cls, row: PlannedRow) -> "RowDocument":
        """Describe a row."""
        return cls(
            row=row.row,
            action=row.action,
            student_id=row.student_id,
            name=row.name,
            group_ids=sorted(row.groups),
            joins=sorted(row.joins),
            leaves=sorted(row.leaves),
        )


class FindingDocument(BaseModel):
    """A remark on a row."""

    row: int = Field(description="As a spreadsheet numbers it.", examples=[3])
    severity: Severity
    code: str = Field(examples=["repeated_id"])
    detail: str = Field(examples=["Row 2 has the id 0042 too, with the name Ada: one of them is wrong."])
    column: str | None = Field(description="The title of the column, as in the file.", examples=["student_id"])
    value: str | None = Field(description="The cell as it was read.", examples=["0042"])
    file: str | None = Field(
        default=None, description="The file, where an import reads several.", examples=["users.csv"]
    )

    @classmethod
    def of(cls, finding: Finding) -> "FindingDocument":
        """Describe a finding."""
        return cls(
            row=finding.row,
            severity=finding.severity,
            code=finding.code,
            detail=finding.detail,
            column=finding.column,
            value=finding.value,
            file=finding.file,
        )


class ReadingDocument(BaseModel):
    """How a file was read."""

    encoding: str = Field(description="Of a text file; `xlsx` for a workbook.", examples=["utf-8"])
    delimiter: str | None = Field(description="Of a text file.", examples=[","])
    sheet: str | None = Field(description="The sheet that was read.", examples=["Students"])
    header_row: int = Field(description="The number of the header row.", examples=[1])
    columns: dict[str, list[str]] = Field(
        description="The titles of the columns that are read, by field: `student_id`, `name` or `first_name` "
        "and `last_name`, `groups`.",
        examples=[{"student_id": ["ID number"], "first_name": ["First name"], "last_name": ["Last name"]}],
    )

    @classmethod
    def of(cls, table: RosterTable) -> "ReadingDocument":
        """Describe how a file was read."""
        return cls(
            encoding=table.encoding,
            delimiter=table.delimiter,
            sheet=table.sheet,
            header_row=table.header_row,
            columns=table.columns.taken,
        )


class ImportDocument(BaseModel):
    """The result of an import or a dry run."""

    applied: bool = Field(description="False in a dry run, or if any row has an error: nothing was written.")
    encoding: str = Field(description="The encoding of the file; `xlsx` for a workbook.", examples=["utf-8", "xlsx"])
    reading: ReadingDocument
    counts: dict[RowAction, int]
    rows: list[RowDocument]
    findings: list[FindingDocument]

    @classmethod
    def of(cls, report: ImportReport) -> "ImportDocument":
        """Describe an import."""
        return cls(
            applied=report.applied,
            encoding=report.encoding,
            reading=ReadingDocument.of(report.table),
            counts={action: report.count(action) for action in RowAction},
            rows=[RowDocument.of(row) for row in report.rows],
            findings=[FindingDocument.of(finding) for finding in report.findings],
        )
