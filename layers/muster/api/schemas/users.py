"""Users of one machine as the API shows and accepts them."""

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.user import Role, User

_EXAMPLE = "3qFvUu6Zk0m1n8d2X5c7Y9b4L6p0R1sT2wE3xG5hJ7k"


class UserDocument(BaseModel):
    """A user of the server."""

    user_id: str = Field(examples=["ada"])
    role: Role
    name: str = Field(description="May be empty.", examples=["Ada Lovelace"])
    group_ids: list[str] = Field(description="Groups that the user teaches.", examples=[["7b"]])

    @classmethod
    def of(cls, user: User, groups: list[str]) -> "UserDocument":
        """Describe a user."""
        return cls(user_id=user.id, role=user.role, name=user.name, group_ids=groups)


class UserList(BaseModel):
    """All users; one machine has few."""

    items: list[UserDocument]


class SignInAddress(BaseModel):
    """Where a new token is used."""

    model_config = ConfigDict(extra="forbid")

    address: str | None = Field(
        default=None,
        max_length=200,
        pattern=r"^https?://[^\s/?#@]+$",
        description="Address of the server, such as https://muster.example.edu; with it the answer has a sign-in link.",
        examples=["https://muster.example.edu"],
    )


class NewUser(SignInAddress):
    """A user to create."""

    role: Role = Role.TEACHER
    name: str = Field(default="", max_length=400, examples=["Ada Lovelace"])
    group_ids: list[str] = Field(
        default=[], max_length=200, description="Existing groups that the user teaches.", examples=[["7b"]]
    )


class TokenDocument(BaseModel):
    """A new token. It is shown only once: the server stores its digest."""

    user_id: str = Field(examples=["ada"])
    token: str = Field(examples=[_EXAMPLE])
    link: str | None = Field(
        description="Signs in the browser that opens it; null without an address.",
        examples=[f"https://muster.example.edu/#/token/{_EXAMPLE}"],
    )
    qr: list[str] | None = Field(
        description="The link as a QR code: one text of 0 (light) and 1 (dark) per row, without a margin.",
        examples=[["111111100101", "100000101011"]],
    )
