"""The model packs that the functions of a stage run."""

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from muster.storage.aws.stage_health import read_resources

_ALIAS: Final = "live"
"""Of every function that callers invoke (infra/constructs/function.py). A deployment moves it to the new version."""


def deployed_packs(client: Callable[[str], Any], stage: str) -> frozenset[str] | None:
    """Return the names of the packs that the functions of a stage run, or None if they cannot be read.

    During a deployment, and after one that failed halfway, there may be several.

    Args:
        client: makes the client of an AWS service, by its name in boto3.
    """
    try:
        resources = read_resources(client("cloudformation"), stage)
        found = {_pack(client("lambda"), name) for name in resources.of("AWS::Lambda::Function")} - {None}
    except (ClientError, BotoCoreError):
        return None
    return frozenset(pack for pack in found if pack is not None) or None


def _pack(client: Any, function: str) -> str | None:
    try:
        configuration = client.get_function_configuration(FunctionName=function, Qualifier=_ALIAS)
    except ClientError as error:
        # Functions that only serve the deployment have no alias.
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    pack: str | None = configuration.get("Environment", {}).get("Variables", {}).get("MUSTER_PACK")
    return pack
