"""The library as a Lambda layer, with the dependencies that `python -m infra.layer` prepares.

Synthesis uses neither Docker nor a network, so it cannot install packages. Run `python -m infra.layer` once before a
deployment: it installs wheels for the functions' platform, checked by hash, into `build/layer/python`. Without them the
layer still synthesizes, for tests and diffs, but a rule makes CloudFormation reject the deployment.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.function import RUNTIME

LOCK: Final = "requirements/layer.txt"
PREPARED: Final = "build/layer/python"
STAMP: Final = "build/layer/lock.sha256"
PYTHON_VERSION: Final = "3.14"
PLATFORMS: Final = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64")
"""Platforms of wheels for Amazon Linux 2023, which has glibc 2.34."""

_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")


def _lock_digest(root: Path) -> str:
    return hashlib.sha256((root / LOCK).read_bytes()).hexdigest()


def is_prepared(root: Path) -> bool:
    """Return whether the dependencies under `build/layer` match the lock file."""
    stamp = root / STAMP
    return stamp.is_file() and stamp.read_text() == _lock_digest(root)


@jsii.implements(cdk.ILocalBundling)
class _Copy:
    """Copies the library, and the prepared dependencies, into the folder that CDK packages as the layer."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def try_bundle(self, output_dir: str, options: cdk.BundlingOptions | None = None, **_: object) -> bool:
        """Fill the folder. Returns True always, so that CDK never falls back to Docker."""
        target = Path(output_dir) / "python"
        if is_prepared(self._root):
            shutil.copytree(self._root / PREPARED, target, ignore=_NOT_SHIPPED)
        shutil.copytree(self._root / "layers/muster", target / "muster", ignore=_NOT_SHIPPED)
        return True


def library_layer(scope: Construct, root: Path) -> lambda_.LayerVersion:
    """Return the layer of the stack's zip functions.

    Args:
        scope: the stack.
        root: the repository's root.
    """
    complete = is_prepared(root)
    if not complete:
        advice = "The layer holds no dependencies: run `python -m infra.layer`, then deploy again."
        cdk.Annotations.of(scope).add_warning_v2("muster:layer", advice)
        never = cdk.Fn.condition_equals(cdk.Aws.REGION, "none")
        refusal = cdk.CfnRuleAssertion(assert_=never, assert_description=advice)
        cdk.CfnRule(scope, "LayerIsComplete", assertions=[refusal])
    return lambda_.LayerVersion(
        scope,
        "Library",
        description="muster and its dependencies, without vision",
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[lambda_.Architecture.X86_64],
        code=lambda_.Code.from_asset(
            str(root / "layers"),
            asset_hash_type=cdk.AssetHashType.OUTPUT,
            bundling=cdk.BundlingOptions(image=cdk.DockerImage.from_registry("none"), local=_Copy(root)),
        ),
    )


def prepare(root: Path) -> None:
    """Install the layer's locked dependencies, as wheels for the functions' platform, into `build/layer`.

    Raises:
        subprocess.CalledProcessError: pip failed; its output has the reason.
    """
    target = root / PREPARED
    shutil.rmtree(target.parent, ignore_errors=True)
    platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
    subprocess.run(  # noqa: S603  our own interpreter and constants
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"),
            *("--implementation", "cp", "--python-version", PYTHON_VERSION, *platforms),
            *("--target", str(target), "--requirement", str(root / LOCK)),
        ],
        check=True,
    )
    (root / STAMP).write_text(_lock_digest(root))


if __name__ == "__main__":
    prepare(Path(__file__).resolve().parent.parent)
