"""A function whose library is in the layer gets a new version when only the library changes."""

from pathlib import Path

import aws_cdk as cdk
import pytest

from infra.app import FLAGS
from infra.config import DEV
from infra.constructs.function import ServiceFunction, ZipCode
from infra.layer import library_layer

pytestmark = pytest.mark.cdk


def version(folder: Path, library: str) -> str:
    """Return the logical id of the version that `live` calls, of a function on a layer with this library."""
    for name, text in (
        ("layers/muster/__init__.py", library),
        ("requirements/layer.txt", ""),
        ("function/handler.py", ""),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    app = cdk.App(context=FLAGS, outdir=str(folder / "cdk.out"), analytics_reporting=False)
    stack = cdk.Stack(app, "Stack")
    code = ZipCode(folder / "function", library_layer(stack, folder))
    ServiceFunction(stack, "Roster", config=DEV, size=DEV.roster, code=code, environment={})
    resources = app.synth().get_stack_by_name("Stack").template["Resources"].values()
    (alias,) = (resource for resource in resources if resource["Type"] == "AWS::Lambda::Alias")
    called: str = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
    return called


def test_the_alias_calls_a_new_version_when_only_the_library_in_the_layer_changes(
    tmp_path: Path, without_docker_or_account: None
) -> None:
    first, same, changed = (
        version(tmp_path / name, library)
        for name, library in (("first", "A = 1\n"), ("same", "A = 1\n"), ("changed", "A = 2\n"))
    )

    assert first == same
    assert first != changed
