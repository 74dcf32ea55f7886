"""Lambda handler that gives the roles of the school's own sign-in to a token before the user pool issues it.

It needs neither the library nor a service, because it runs at every sign-in, which waits at most five seconds for it.
"""

import json
import os
from typing import Any
from urllib.parse import unquote_plus

ATTRIBUTE = os.environ["MUSTER_ROLES_ATTRIBUTE"]
PROVIDER = os.environ["MUSTER_PROVIDER"]
ROLES: dict[str, str] = json.loads(os.environ["MUSTER_PROVIDER_ROLES"])


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Add the roles that the provider states to the groups of the pool, for this token only.

    The groups override is part of the basic trigger, `V1_0`, and changes the ID token (Amazon Cognito Developer Guide,
    "Pre token generation Lambda trigger").
    """
    request = event["request"]
    attributes = request.get("userAttributes") or {}
    groups = (request.get("groupConfiguration") or {}).get("groupsToOverride") or []
    event["response"] = {
        "claimsOverrideDetails": {
            # Up to 2,048 characters that nothing reads, in every request.
            "claimsToSuppress": [ATTRIBUTE],
            "groupOverrideDetails": {"groupsToOverride": sorted({*groups, *_roles(attributes)})},
        }
    }
    return event


def _roles(attributes: dict[str, str]) -> set[str]:
    """Return the roles of a user who came by the provider; accounts with a password have none here."""
    if PROVIDER not in _providers(attributes.get("identities", "")):
        return set()
    return {ROLES[value] for value in _values(attributes.get(ATTRIBUTE, "")) if value in ROLES}


def _providers(identities: str) -> set[str]:
    try:
        return {identity["providerName"] for identity in json.loads(identities)}
    except (ValueError, TypeError, KeyError):
        return set()


def _values(text: str) -> list[str]:
    """Read a mapped claim: one value unchanged, or several in brackets with commas, each encoded as in a form.

    A bracket within the list shows that it is none: the pool would have encoded it.
    """
    text = text.strip()
    inner = text[1:-1]
    if not (text.startswith("[") and text.endswith("]")) or "[" in inner or "]" in inner:
        return [text, unquote_plus(text)]
    return [unquote_plus(value.strip().strip('"')) for value in inner.split(",")]
