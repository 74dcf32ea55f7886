"""CDK application with five stacks per stage, in one direction: web -> data -> training -> api -> monitoring.

`python -m infra.app` writes the templates of every stage to cdk.out; it needs neither Docker nor an account. The `cdk`
command line runs it through cdk.json.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.config import STAGES, StageConfig
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.monitoring import MonitoringStack
from infra.stacks.training import TrainingStack
from infra.stacks.web import WebStack

ROOT: Final = Path(__file__).resolve().parent.parent

FLAGS: Final = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-batch:defaultToAL2023": True,
    "@aws-cdk/aws-iam:minimizePolicies": False,
    "@aws-cdk/aws-sns-subscriptions:restrictSqsDescryption": True,
    "@aws-cdk/core:enablePartitionLiterals": True,
}
"""Feature flags, set here and not in cdk.json so that the templates are the same with and without the command line.
Policy statements are not merged, so each keeps the name of its purpose."""


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
    env = cdk.Environment(account=config.account, region=config.region)
    prefix = f"muster-{config.stage}"
    files = root / "web"
    web = WebStack(app, f"{prefix}-web", config=config, files=files if files.is_dir() else None, env=env)
    data = DataStack(app, f"{prefix}-data", config=config, web_origin=web.site.origin, env=env)
    training = TrainingStack(app, f"{prefix}-training", config=config, root=root, stores=data.stores, env=env)
    api = ApiStack(
        app,
        f"{prefix}-api",
        config=config,
        root=root,
        stores=data.stores,
        http_api=web.http_api,
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


def build(outdir: Path | None = None, stages: Sequence[StageConfig] = STAGES, root: Path = ROOT) -> cdk.App:
    """Return the application with the given stages, which cdk-nag's AwsSolutions pack checks during synthesis.

    `cdk --context stage=dev` selects a stage, so that `--all` deploys only that one.

    Raises:
        ValueError: the context names no stage.
    """
    app = cdk.App(context=FLAGS, outdir=str(outdir) if outdir else None, analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    chosen = app.node.try_get_context("stage")
    if chosen not in (None, *(config.stage for config in stages)):
        raise ValueError(f"There is no stage {chosen}: see infra/config.py.")
    for config in stages:
        if chosen in (None, config.stage):
            add_stage(app, config, root)
    return app


if __name__ == "__main__":
    build(None if "CDK_OUTDIR" in os.environ else ROOT / "cdk.out").synth()
