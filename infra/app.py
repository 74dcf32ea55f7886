"""CDK application with five stacks per stage, in one direction: web -> data -> training -> api -> monitoring.

`python -m infra.app` writes the templates of dev to cdk.out; it needs neither Docker nor an account. The `cdk` command
line runs it through cdk.json and infra/app.sh.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra import layer, regions
from infra.config import DEV, STAGES, StageConfig
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.monitoring import MonitoringStack
from infra.stacks.training import TrainingStack
from infra.stacks.web import WebStack

ROOT: Final = Path(__file__).resolve().parent.parent

FLAGS: Final = {
    # Without it a function's version ignores what its layer holds, and `live` would go on calling the old library.
    "@aws-cdk/aws-lambda:recognizeLayerVersion": True,
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-batch:defaultToAL2023": True,
    "@aws-cdk/aws-iam:minimizePolicies": False,
    "@aws-cdk/aws-sns-subscriptions:restrictSqsDescryption": True,
    "@aws-cdk/core:enablePartitionLiterals": True,
}
"""Feature flags, set here and not in cdk.json so that the templates are the same with and without the command line.
Policy statements are not merged, so each keeps the name of its purpose."""


ALL_STAGES: Final = "all"
"""Value of the context `stage` that selects every stage."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """The stacks of one stage."""

    web: WebStack
    data: DataStack
    training: TrainingStack
    api: ApiStack
    monitoring: MonitoringStack


def add_stage(app: cdk.App, config: StageConfig, root: Path = ROOT) -> Stacks:
    """Add the stacks of one stage, with cost tags."""
    # The command line names its credentials' region; the templates do not depend on it.
    regions.check(config.region or os.environ.get("CDK_DEFAULT_REGION"))
    env = cdk.Environment(account=config.account, region=config.region)
    prefix = f"muster-{config.stage}"
    files = root / "web"
    web = WebStack(app, f"{prefix}-web", config=config, files=files if files.is_dir() else None, env=env)
    data = DataStack(app, f"{prefix}-data", config=config, web_origins=web.site.origins, env=env)
    training = TrainingStack(app, f"{prefix}-training", config=config, root=root, stores=data.stores, env=env)
    api = ApiStack(
        app,
        f"{prefix}-api",
        config=config,
        root=root,
        stores=data.stores,
        http_api=web.http_api,
        substitute_api=web.substitute_api,
        sign_in=web.sign_in,
        training=training,
        env=env,
    )
    monitoring = MonitoringStack(
        app,
        f"{prefix}-monitoring",
        config=config,
        stores=data.stores,
        http_api=web.http_api,
        api=api,
        training=training,
        env=env,
    )
    stacks = Stacks(web, data, training, api, monitoring)
    for stack in (web, data, training, api, monitoring):
        tags = cdk.Tags.of(stack)
        tags.add("application", prefix)
        tags.add("stage", config.stage)
        tags.add("cost-center", config.cost_center)
    return stacks


def select_stages(chosen: str | None, default: str, stages: Sequence[StageConfig] = STAGES) -> list[StageConfig]:
    """Return the stages that the context `stage` names; `all` names every stage.

    Raises:
        ValueError: there is no such stage.
    """
    name = chosen or default
    selected = [config for config in stages if name in (ALL_STAGES, config.stage)]
    if not selected and name != ALL_STAGES:
        known = ", ".join([*(config.stage for config in stages), ALL_STAGES])
        raise ValueError(f"There is no stage {name}. The context `stage` can be: {known}.")
    return selected


def build(
    outdir: Path | None = None,
    stages: Sequence[StageConfig] = STAGES,
    root: Path = ROOT,
    *,
    default_stage: str = ALL_STAGES,
    build_layer: bool = False,
) -> cdk.App:
    """Return the application, which cdk-nag's AwsSolutions pack checks during synthesis.

    Args:
        outdir: folder of the templates; None uses the one that the `cdk` command line names.
        stages: the stages to choose from.
        root: the repository's root.
        default_stage: the stage to add if `--context stage=NAME` names none.
        build_layer: build the Lambda layer first if it is missing or stale, and the command packages code.

    Raises:
        ValueError: the context names no stage, or the region was not checked.
        LayerNotBuilt: the layer is needed and cannot be built.
    """
    app = cdk.App(context=FLAGS, outdir=str(outdir) if outdir else None, analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    selected = select_stages(app.node.try_get_context("stage"), default_stage, stages)
    # `cdk ls` and `cdk destroy` package no code: the command line gives them an empty list of stacks.
    if build_layer and app.node.try_get_context("aws:cdk:bundling-stacks") != []:
        layer.ensure(root)
    for config in selected:
        add_stage(app, config, root)
    return app


def main() -> None:
    """Synthesize the stage that the context names, dev by default.

    Under the `cdk` command line the layer is built too. By itself it is not, because that needs a package index.
    """
    outdir = None if "CDK_OUTDIR" in os.environ else ROOT / "cdk.out"
    try:
        app = build(outdir, default_stage=DEV.stage, build_layer="CDK_CLI_VERSION" in os.environ)
    except (ValueError, layer.LayerNotBuilt) as refused:
        sys.exit(str(refused))
    app.synth()


if __name__ == "__main__":
    main()
