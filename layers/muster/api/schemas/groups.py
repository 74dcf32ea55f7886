"""Groups as the API shows and accepts them."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.group import Group
from muster.domain.identifiers import UserId
from muster.services.roster.groups import MAX_TEACHERS


class GroupDocument(BaseModel):
    """A class or course."""

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["Class 7b"])
    teachers: list[str] = Field(description="Ids of the users who teach it. Admins see all groups.", examples=[["ada"]])
    teacher_names: dict[str, str] = Field(
        description="Names of the teachers by id; in the cloud, the e-mail address where there is no name.",
        examples=[{"ada": "Ada Lovelace"}],
    )
    version: int = Field(description="Counts changes; the ETag.", examples=[1])

    @classmethod
    def of(cls, group: Group, names: Mapping[UserId, str]) -> "GroupDocument":
        """Describe a group.

        Args:
            names: names of users.
        """
        teachers = sorted(group.teachers)
        return cls(
            group_id=group.id,
            name=group.name,
            teachers=list(teachers),
            teacher_names={teacher: names[teacher] for teacher in teachers if teacher in names},
            version=group.version,
        )


class GroupPage(BaseModel):
    """A page of groups."""

    items: list[GroupDocument]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class NewGroup(BaseModel):
    """A group to create."""

    model_config = ConfigDict(extra="forbid")

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["Class 7b"], max_length=400)
    teachers: list[str] = Field(
        default=[],
        max_length=MAX_TEACHERS,
        description="Ids of users; in the cloud also e-mail addresses.",
        examples=[["ada"]],
    )


class GroupChange(BaseModel):
    """A change to a group; fields left out do not change."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, examples=["Class 7b"], max_length=400)
    teachers: list[str] | None = Field(
        default=None,
        max_length=MAX_TEACHERS,
        description="Ids of users; in the cloud also e-mail addresses.",
        examples=[["ada", "bob"]],
    )
