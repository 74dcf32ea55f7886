"""A user pool with what the simulation lacks: invitations sent again, authenticators, refusals, lost answers."""

import io
import json
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from moto.cognitoidp.models import CognitoIdpUser, cognitoidp_backends

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "eu-central-1"
ACCOUNT = "123456789012"
CONNECTION = {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class UserPoolCalls:
    """Stands between the network and the account, and writes down the calls of user pools.

    Attributes:
        made: operations with their parameters, in order; those that were refused are not among them.
        before: called with the operation before it is carried out; may return the code of a refusal.
        after: called with the operation once it is carried out; true cuts the connection instead of answering.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[str], str | None] = lambda operation: None
        self.after: Callable[[str], bool] = lambda operation: False

    def around(self, app: "WSGIApplication") -> "WSGIApplication":
        self._app = app
        return self._answer

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.made]

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if service != "AWSCognitoIdentityProviderService":
            return self._app(environ, start_response)
        content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(content)
        parameters = json.loads(content)
        refusal = self.before(operation) or self._refusal(operation, parameters)
        if refusal:
            return _reply(start_response, "400 Bad Request", {"__type": refusal, "message": "refused"})
        self.made.append((operation, parameters))
        if operation == "AdminDeleteSoftwareToken" or parameters.get("MessageAction") == "RESEND":
            # The simulation lacks the first, and makes a second user of the other.
            return _reply(start_response, "200 OK", {})
        body = self._app(environ, start_response)
        if self.after(operation):
            connection: Any = environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
        return body

    @staticmethod
    def _refusal(operation: str, parameters: dict[str, Any]) -> str | None:
        if parameters.get("MessageAction") == "RESEND":
            user = pool(parameters["UserPoolId"])._get_user(parameters["Username"])
            return None if user and user.status == "FORCE_CHANGE_PASSWORD" else "UnsupportedUserStateException"
        return None


def _reply(start_response: "StartResponse", status: str, document: dict[str, Any]) -> list[bytes]:
    start_response(status, [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(document).encode()]


def new_pool(endpoint: str) -> str:
    """Make a user pool as the template does: the address is the user name, nobody signs up, two groups."""
    client = boto3.Session("test", "test", region_name=REGION).client("cognito-idp", endpoint_url=endpoint)
    made = client.create_user_pool(
        PoolName="people",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
    )["UserPool"]["Id"]
    for group in ("admin", "teacher"):
        client.create_group(UserPoolId=made, GroupName=group)
    return str(made)


def pool(pool_id: str) -> Any:
    """Return the simulation's own record of a pool, to change what no call can."""
    return cognitoidp_backends[ACCOUNT][REGION].user_pools[pool_id]


def accept_invitation(pool_id: str, email: str) -> None:
    """Do what the sign-in pages do when someone chooses a password."""
    pool(pool_id)._get_user(email).status = "CONFIRMED"


def federated_user(pool_id: str, email: str, name: str) -> str:
    """Add someone who came by the school's own sign-in, as the pool does at the first; return their `sub`."""
    subject = uuid4().hex
    attributes = [{"Name": key, "Value": value} for key, value in (("email", email), ("name", name))]
    user = CognitoIdpUser(pool_id, f"School_{subject}", None, "EXTERNAL_PROVIDER", attributes)
    pool(pool_id).users[user.username] = user
    return str(user.id)
