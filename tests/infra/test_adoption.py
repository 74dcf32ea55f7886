"""Data that outlived its stack can be taken back: the recipe of docs/operations.md fits the templates.

`cdk import` deploys a template of the imported resources alone, so these may refer to each other and to other stacks,
and to nothing else.
"""

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from infra.app import FLAGS
from infra.config import PROD
from infra.constructs.sign_in import IMPORT
from infra.stacks.web import WebStack
from tests.infra.normal_form import normal_form, references
from tests.infra.templates import StageTemplates

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def mapping(stack: str) -> dict[str, dict[str, str]]:
    """Return the resource mapping that the page gives for a stack of prod."""
    section = OPERATIONS.read_text().split("## Taking data back")[1].split("\n## ")[0]
    (text,) = re.findall(rf"cat > {stack}\.json <<'EOF'\n(.*?)\nEOF", section, re.DOTALL)
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


@pytest.mark.parametrize("stack", ["web", "data"])
def test_the_mapping_names_resources_by_what_cloudformation_identifies_them_by(
    prod: StageTemplates, stack: str
) -> None:
    resources = prod.stacks[stack]["Resources"]
    for logical_id, identifier in mapping(stack).items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", resources[logical_id]["Type"]).schema
        wanted = {path.removeprefix("/properties/") for path in schema["primaryIdentifier"]}
        assert set(identifier) == wanted, logical_id
        assert "read" in schema.get("handlers", {"read": {}}), logical_id


def web_to_import() -> dict[str, Any]:
    """Return the template of prod's web stack with the context that the recipe gives to `cdk import`."""
    app = cdk.App(context={**FLAGS, IMPORT: "true"})
    WebStack(app, "muster-prod-web", config=PROD, files=None, env=cdk.Environment())
    template: dict[str, Any] = app.synth().get_stack_by_name("muster-prod-web").template
    return template


def test_the_recipe_imports_the_pool_with_the_context_that_the_template_reads(prod: StageTemplates) -> None:
    assert f"--context {IMPORT}=true" in OPERATIONS.read_text()
    # Nothing else differs, so the deployment after the import adds the mail only.
    (pool,) = mapping("web")
    imported, deployed = (
        dict(template["Resources"][pool]["Properties"]) for template in (web_to_import(), prod.stacks["web"])
    )
    for properties in (imported, deployed):
        properties.pop("UserPoolTags", None)
        assert properties.pop("AdminCreateUserConfig")["AllowAdminCreateUserOnly"] is True
    assert imported == deployed


@pytest.mark.parametrize("stack", ["web", "data"])
def test_what_is_imported_needs_nothing_that_is_not(prod: StageTemplates, stack: str) -> None:
    imported = mapping(stack)
    template = normal_form(web_to_import() if stack == "web" else prod.stacks[stack])
    for logical_id in imported:
        resource = template["Resources"][logical_id]
        named = {name for name, _ in references(resource)}
        assert named <= {*imported, "AWS"}, logical_id
        assert not any(used in json.dumps(resource) for used in ('"Fn::If"', '"Fn::FindInMap"')), logical_id
        assert "DeletionPolicy" in resource, logical_id


def test_everything_that_data_retains_is_taken_back(prod: StageTemplates) -> None:
    def retained(stack: str) -> dict[str, Any]:
        resources = prod.stacks[stack]["Resources"].items()
        return {name: item for name, item in resources if item.get("DeletionPolicy", "Delete").startswith("Retain")}

    assert set(mapping("data")) == set(retained("data"))
    # The site's files and logs are written again, so only the accounts come back.
    pools = {name for name, item in retained("web").items() if item["Type"] == "AWS::Cognito::UserPool"}
    assert set(mapping("web")) == pools


def test_the_fixed_names_of_the_recipe_are_those_of_the_buckets(prod: StageTemplates) -> None:
    for logical_id, identifier in mapping("data").items():
        bucket = prod.stacks["data"]["Resources"][logical_id].get("Properties", {}).get("BucketName")
        if bucket is not None:
            name = prod.text(bucket).replace("{AccountId}", "ACCOUNT").replace("{Region}", "REGION")
            assert identifier == {"BucketName": name}
