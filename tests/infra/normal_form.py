"""Templates in a form that people can read and tests can compare.

References are written as `${Table.Arn}` and `${import muster-dev-data:Export}`, and strings that a template joins are
joined. Digests of assets are left out, and so is what CDK adds for itself: metadata, the check of the bootstrap
version, and the rule of an incomplete layer.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = dict[str, Any]

ACCOUNT: Final = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::URLSuffix": "amazonaws.com",
}
"""Values of the pseudo parameters in an account, for comparing a template with one that names its account."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}|(?<=CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")
"""Digest of an asset, or of a function's code and settings at the end of its version's logical id."""

_REFERENCE: Final = re.compile(r"\$\{(?!import )([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")
_IMPORT: Final = re.compile(r"\$\{import ([^}]+)\}")


def normal_form(template: Json, account: Mapping[str, str] | None = None) -> Json:
    """Return a template in normal form, with the pseudo parameters replaced if an account is given."""
    resources = {
        name: {key: value for key, value in resource.items() if key != "Metadata"}
        for name, resource in template["Resources"].items()
        if resource["Type"] != "AWS::CDK::Metadata"
    }
    rest = {key: value for key, value in template.items() if key not in ("Resources", "Parameters", "Rules")}
    written: Json = _written({**rest, "Resources": resources}, account or {})
    return written


def _written(value: Any, account: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _DIGEST.sub("<digest>", value)
        case {"Ref": str(name), **rest} if not rest:
            return account.get(name, f"${{{_DIGEST.sub('', name)}}}")
        case {"Fn::GetAtt": [name, attribute], **rest} if not rest:
            return f"${{{_DIGEST.sub('', name)}.{attribute}}}"
        case {"Fn::ImportValue": name, **rest} if not rest:
            return f"${{import {_written(name, account)}}}"
        case {"Fn::Join": [separator, list(parts)], **rest} if not rest:
            return str(separator).join(_text(_written(part, account)) for part in parts)
        case {"Fn::Sub": str(text), **rest} if not rest:
            for name, replacement in account.items():
                text = text.replace(f"${{{name}}}", replacement)
            return _DIGEST.sub("<digest>", text)
        case dict():
            return {_DIGEST.sub("", key): _written(item, account) for key, item in value.items()}
        case list():
            return [_written(item, account) for item in value]
        case _:
            return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Yield logical id and attribute (empty for a reference) of each resource that a value in normal form names."""
    for text in _strings(value):
        yield from ((match[1], match[2] or "") for match in _REFERENCE.finditer(text))


def imports(value: Any) -> set[str]:
    """Return the exports that a template in normal form imports."""
    return {match[1] for text in _strings(value) for match in _IMPORT.finditer(text)}


def exports(template: Json) -> dict[str, str]:
    """Return the values that a template in normal form exports, by name."""
    outputs = template.get("Outputs", {}).values()
    return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _strings(item)
        case list():
            for item in value:
                yield from _strings(item)
