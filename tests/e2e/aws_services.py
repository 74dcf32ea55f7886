"""The services of the AWS deployment in this process, and a gateway in front of their application."""

from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from muster.api.system import Services
from muster.composition.aws import AwsAccess
from muster.composition.aws_recognition import open_services
from muster.composition.aws_settings import AwsSettings
from muster.domain.user import Role
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from tests.contract.places import AwsPlace


class Gateway:
    """Passes the claims of the caller on, as API Gateway does once it has verified a token.

    Args:
        roles: by user; the token of a user is the user's id.
        default: the user of a request with another token, or without one.
    """

    def __init__(self, app: ASGIApp, roles: Mapping[str, Role], *, default: str = "") -> None:
        self._app = app
        self._roles = roles
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            user = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
            user = user if user in self._roles else self._default
            claims = {"sub": user, "cognito:groups": f"[{self._roles[user]}]"}
            scope = {**scope, "aws.event": {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}}
        await self._app(scope, receive, send)


def aws_services(place: AwsPlace, pack_home: Path, *, time_zone: str = "UTC") -> Services:
    """Open the services over one place, with clients that wait for a busy machine."""
    (dynamodb, s3), table = place.clients(), place.table
    settings = AwsSettings(
        stage="dev",
        table=table,
        photos_bucket=place.photos,
        models_bucket=place.models,
        home=pack_home,
        time_zone=time_zone,
    )
    uploads = AwsUploads(s3, Table(dynamodb, table), place.photos)
    access = AwsAccess(dynamodb, s3, place.open(), uploads)
    return open_services(settings, access)
