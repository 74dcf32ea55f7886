"""OneRoster imports: the planned actions for groups, students, teachers and terms."""

from datetime import date

from pydantic import BaseModel, Field

from muster.api.schemas.roster_import import FindingDocument, RowDocument
from muster.services.oneroster.execution import OneRosterReport
from muster.services.oneroster.plan import PlannedGroup, PlannedTeacher
from muster.services.oneroster.tables import Mode
from muster.services.oneroster.terms import PlannedTerm
from muster.services.roster_import.plan import RowAction


class ImportedGroupDocument(BaseModel):
    """The action of an import for one class."""

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["7b Mathematics"])
    action: RowAction

    @classmethod
    def of(cls, group: PlannedGroup) -> "ImportedGroupDocument":
        """Describe a group."""
        return cls(group_id=group.group_id, name=group.name, action=group.action)


class ImportedTeacherDocument(BaseModel):
    """A user who becomes a teacher of a group, or no longer is one."""

    group_id: str = Field(examples=["7b"])
    user_id: str = Field(examples=["ada"])
    teaches: bool

    @classmethod
    def of(cls, teacher: PlannedTeacher) -> "ImportedTeacherDocument":
        """Describe a change."""
        return cls(group_id=teacher.group_id, user_id=teacher.user_id, teaches=teacher.teaches)


class ImportedTermDocument(BaseModel):
    """The action of an import for one term."""

    name: str = Field(examples=["Autumn"])
    first_day: date = Field(examples=["2026-09-01"])
    last_day: date = Field(description="Included.", examples=["2026-12-18"])
    action: RowAction
    removed: bool = Field(description="The package deletes the term.")

    @classmethod
    def of(cls, planned: PlannedTerm) -> "ImportedTermDocument":
        """Describe a term."""
        term = planned.term
        return cls(
            name=term.name,
            first_day=term.first_day,
            last_day=term.last_day,
            action=planned.action,
            removed=planned.remove,
        )


class OneRosterDocument(BaseModel):
    """The result of a OneRoster import or a dry run."""

    applied: bool = Field(description="False in a dry run, or if any finding is an error: nothing was written.")
    version: str = Field(description="The version of OneRoster.", examples=["1.2"])
    files: dict[str, Mode] = Field(description="How each file was taken.", examples=[{"users": "bulk"}])
    counts: dict[RowAction, int] = Field(description="Students by action.")
    groups: list[ImportedGroupDocument]
    students: list[RowDocument]
    teachers: list[ImportedTeacherDocument] = Field(description="Changes of teachers.")
    terms: list[ImportedTermDocument]
    findings: list[FindingDocument]

    @classmethod
    def of(cls, report: OneRosterReport) -> "OneRosterDocument":
        """Describe an import."""
        return cls(
            applied=report.applied,
            version=report.version,
            files=dict(report.modes),
            counts={action: report.count(action) for action in RowAction},
            groups=[ImportedGroupDocument.of(group) for group in report.groups],
            students=[RowDocument.of(row) for row in report.students],
            teachers=[ImportedTeacherDocument.of(teacher) for teacher in report.teachers],
            terms=[ImportedTermDocument.of(term) for term in report.terms],
            findings=[FindingDocument.of(finding) for finding in report.findings],
        )
