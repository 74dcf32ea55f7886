"""A stage that was deployed before can be deployed again: after a release, a changed file, another configuration.

CloudFormation refuses to change or remove an export that another stack imports, and the exporting stack is deployed
first. It replaces a resource if certain properties change, and then the old one is lost.
"""

import json
from collections.abc import Mapping
from typing import Final

import pytest

from tests.infra.deployment import Account, Fault, revised_exports
from tests.infra.normal_form import ACCOUNT, Json, normal_form
from tests.infra.released import last_release
from tests.infra.templates import STACKS, StageTemplates

pytestmark = pytest.mark.cdk

KNOWN: Final = {
    # The revision of the job definition. docs/operations.md, "Upgrade", deploys the importing stack first.
    "0.2.0": {("training", "ExportsOutputRefJobB9D00F9FD5FEE5EA")},
}
"""Exports of a release that stop the ordinary upgrade, and nothing else that does."""

FIRST: Final = {"0.2.0": ("web", "data", "api")}
"""The stacks that docs/operations.md deploys alone before the others, by the release that is upgraded."""


def templates(stage: StageTemplates, account: Mapping[str, str] | None = None) -> dict[str, Json]:
    return {f"muster-{stage.stage}-{name}": normal_form(template, account) for name, template in stage.stacks.items()}


def faults(before: Mapping[str, Json], after: Mapping[str, Json], *, first: tuple[str, ...] = ()) -> list[Fault]:
    """Deploy `after` over `before`, stack by stack, and return what goes wrong."""
    account = Account(before)
    (prefix,) = {name.rpartition("-")[0] for name in after}
    order = [f"{prefix}-{stack}" for stack in (*first, *STACKS)]
    return [fault for stack in order for fault in account.deploy(stack, after[stack])]


def test_no_stack_imports_an_identifier_that_changes_with_each_deployment(stage: StageTemplates) -> None:
    assert revised_exports(templates(stage)) == set()


def test_a_stage_is_upgraded_from_the_last_release(stage: StageTemplates) -> None:
    version, released = last_release()
    before, after = released[stage.stage], templates(stage)

    assert faults(before, after, first=FIRST.get(version, ())) == []


def test_the_ordinary_upgrade_stops_at_known_exports_only(stage: StageTemplates) -> None:
    version, released = last_release()
    prefix = f"muster-{stage.stage}"
    known = {(f"{prefix}-{stack}", f"{prefix}-{stack}:{name}") for stack, name in KNOWN.get(version, set())}

    found = faults(released[stage.stage], templates(stage))

    assert {(fault.stack, fault.subject) for fault in found} == known
    assert all("is in use" in fault.reason for fault in found)


def test_a_changed_file_of_the_repository_is_deployed(dev: StageTemplates, changed_files: StageTemplates) -> None:
    assert json.dumps(dev.stacks["training"]) != json.dumps(changed_files.stacks["training"]), "the image is the same"
    assert faults(templates(dev), templates(changed_files)) == []


def test_a_domain_and_other_options_are_added_and_removed(dev: StageTemplates, chosen: StageTemplates) -> None:
    """Also training on processors, a web ACL, a second factor, and a named account and region."""
    without, with_options = templates(dev, ACCOUNT), templates(chosen, ACCOUNT)

    assert "attendance.example.edu" in json.dumps(with_options)
    assert faults(without, with_options) == []
    # The APIs of other systems and of substitutes and the function of notices go with their logs and dead letters, and
    # in the order of docs/integration.md, docs/operations.md and docs/notices.md: alarms and routes use them till then.
    removed = faults(with_options, without, first=("monitoring", "api"))
    assert len(removed) == 6, removed
    assert all(fault.subject.startswith(("Exchange", "Notices", "Substitute")) for fault in removed)


def test_a_domain_is_changed(chosen: StageTemplates) -> None:
    before = templates(chosen)
    after = json.loads(json.dumps(before).replace("attendance.example.edu", "muster.example.org"))

    assert faults(before, after) == []
