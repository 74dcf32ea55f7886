"""The templates as such: they can be made anywhere, and the checks on them bite."""

import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from infra import layer
from infra.app import ROOT, build
from infra.constructs.log_group import retention_days
from tests.infra.templates import STACKS, StageTemplates


@pytest.mark.cdk
def test_cfn_lint_finds_no_fault_with_any_template(assembly: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    templates = sorted(str(path) for path in assembly.glob("*.template.json"))

    # W3005: CDK says some dependencies twice, by reference and by DependsOn; harmless, and not ours to change.
    # W6001: the output CommandLine repeats values of other stacks on purpose, to have them in one place.
    options = ["--regions", "eu-central-1", "--ignore-checks", "W3005", "W6001"]
    result = subprocess.run([linter, *options, "--", *templates], capture_output=True, text=True)

    assert len(templates) == 2 * len(STACKS)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.cdk
def test_cdk_nag_stops_a_synthesis_with_an_open_bucket(tmp_path: Path, without_docker_or_account: None) -> None:
    app = build(tmp_path, stages=())
    s3.Bucket(cdk.Stack(app, "open"), "Bucket")

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    assert "AwsSolutions-S10" in (tmp_path / "validation-report.json").read_text()


def test_an_unprepared_layer_carries_a_rule_that_refuses_its_deployment(stage: StageTemplates) -> None:
    refused = "LayerIsComplete" in stage.stacks["api"].get("Rules", {})

    assert refused == (not layer.is_prepared(ROOT))


def test_the_layer_holds_the_library(assembly: Path) -> None:
    holders = [path for path in assembly.glob("asset.*/python/muster") if path.is_dir()]

    assert holders
    for holder in holders:
        assert (holder / "domain" / "errors.py").is_file()
        assert (holder / "vision" / "covering.npz").is_file()
        # Bytecode of the functions' own Python, where it is installed, and of no other.
        assert {path.suffixes[0] for path in holder.rglob("*.pyc")} <= {".cpython-314"}


def test_the_image_context_leaves_photos_tests_and_secrets_behind(assembly: Path) -> None:
    contexts = [path.parents[2] for path in assembly.glob("asset.*/containers/vision/Dockerfile")]

    assert contexts
    for context in contexts:
        assert {path.name for path in context.iterdir()} <= {
            *("containers", "functions", "layers", "requirements", "web"),
            *("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".dockerignore"),
        }


def test_log_retention_that_cloudwatch_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not 8"):
        retention_days(8)
