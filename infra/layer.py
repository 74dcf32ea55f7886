"""The library as a Lambda layer, with its locked dependencies.

`python -m infra.layer`, or any `cdk` command that packages code, installs wheels for the functions' platform, checked
by hash, into `build/layer/python`. `python -m infra.app` alone uses no network. Without the dependencies it still
synthesizes the layer, for tests and reviews, but a rule makes CloudFormation reject the deployment.

Lambda cannot store bytecode in a layer, so a function without it compiles every module at every cold start. It is
compiled here if the functions' version of Python is installed.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
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


class LayerNotBuilt(Exception):
    """The dependencies of the layer could not be installed."""


def _digest(root: Path) -> str:
    """Return the digest of everything that decides which wheels are installed."""
    target = " ".join((PYTHON_VERSION, *PLATFORMS))
    return hashlib.sha256((root / LOCK).read_bytes() + target.encode()).hexdigest()


def is_prepared(root: Path) -> bool:
    """Return whether the dependencies under `build/layer` match the lock file and the functions' runtime."""
    stamp = root / STAMP
    return stamp.is_file() and stamp.read_text() == _digest(root)


def runtime_python() -> str | None:
    """Return the path of the functions' version of Python on this machine, or None."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON_VERSION:
        return sys.executable
    return shutil.which(f"python{PYTHON_VERSION}")


def _compile(python: str, folder: Path) -> None:
    """Compile the modules of a folder that Lambda will show as `/opt/python`."""
    subprocess.run(  # noqa: S603  an interpreter and constants
        [
            *(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", "/opt/python", str(folder)),
        ],
        # Some packages ship modules for other versions of Python, which do not compile.
        check=False,
        stdout=subprocess.DEVNULL,
    )


@jsii.implements(cdk.ILocalBundling)
class _Copy:
    """Copies the library, and the prepared dependencies, into the folder that CDK packages as the layer."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def try_bundle(self, output_dir: str, options: cdk.BundlingOptions | None = None, **_: object) -> bool:
        """Fill the folder. Returns True always, so that CDK never falls back to Docker."""
        target = Path(output_dir) / "python"
        if is_prepared(self._root):
            shutil.copytree(self._root / PREPARED, target)
        shutil.copytree(self._root / "layers/muster", target / "muster", ignore=_NOT_SHIPPED)
        if python := runtime_python():
            _compile(python, target)
        return True


def library_layer(scope: Construct, root: Path) -> lambda_.LayerVersion:
    """Return the layer of the stack's zip functions.

    Args:
        scope: the stack.
        root: the repository's root.
    """
    complete = is_prepared(root)
    if not complete:
        advice = "The layer has no dependencies. Run `make layer`, then deploy again."
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
            # Of the sources: bytecode can differ from run to run, and each difference would be a new version.
            asset_hash=cdk.FileSystem.fingerprint(
                str(root / "layers/muster"),
                exclude=["**/__pycache__", "*.pyc"],
                extra_hash=f"{_digest(root)} {complete} {runtime_python() is not None}",
            ),
            bundling=cdk.BundlingOptions(image=cdk.DockerImage.from_registry("none"), local=_Copy(root)),
        ),
    )


def ensure(root: Path) -> None:
    """Install the layer's dependencies if they are missing or stale.

    Raises:
        LayerNotBuilt: pip failed; its own output has the reason.
    """
    if is_prepared(root):
        return
    sys.stderr.write("Building the Lambda layer in build/layer.\n")
    try:
        prepare(root)
    except subprocess.CalledProcessError as failure:
        advice = "The Lambda layer could not be built; pip printed the reason above. Then run: make layer"
        raise LayerNotBuilt(advice) from failure


def prepare(root: Path) -> None:
    """Install the layer's locked dependencies, as wheels for the functions' platform, into `build/layer`.

    They are installed beside it and renamed at the end, so a second process, or one that is interrupted, leaves no
    mixture.

    Raises:
        subprocess.CalledProcessError: pip failed; its output has the reason.
    """
    final = (root / PREPARED).parent
    final.parent.mkdir(parents=True, exist_ok=True)
    platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
    with tempfile.TemporaryDirectory(prefix="layer-", dir=final.parent) as folder:
        made = Path(folder) / final.name
        subprocess.run(  # noqa: S603  our own interpreter and constants
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"),
                *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"),
                *("--implementation", "cp", "--python-version", PYTHON_VERSION, *platforms),
                *("--target", str(made / "python"), "--requirement", str(root / LOCK)),
            ],
            check=True,
        )
        (made / "lock.sha256").write_text(_digest(root))
        if python := runtime_python():
            _compile(python, made / "python")
        if final.exists():
            final.rename(Path(folder) / "replaced")
        made.rename(final)


if __name__ == "__main__":
    try:
        ensure(Path(__file__).resolve().parent.parent)
    except LayerNotBuilt as failure:
        sys.exit(str(failure))
