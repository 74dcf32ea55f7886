"""Remove what the image never uses from its packages: `python trim.py SITE_PACKAGES`.

Each pattern must match, so a package that moves its files at an upgrade stops the build instead of growing the image.
`tests/e2e/aws/test_image_packages.py` runs the functions and imports the server with what remains.
"""

import shutil
import sys
from pathlib import Path

UNUSED = (
    # A second copy of the engine, for programs in C; Python's module contains its own.
    "onnxruntime/capi/libonnxruntime.so.*",
    # Converters and optimisers of models. Packs are built in another stage.
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "numpy/f2py",
    "numpy/**/tests",
    "numpy/**/*.a",
    "cv2/**/*.pyi",
    "numpy/**/*.pyi",
)

AWS_SERVICES = frozenset(
    {
        *("batch", "ce", "cloudformation", "cloudwatch", "cognito-idp", "dynamodb", "events", "lambda", "logs", "s3"),
        *("service-quotas", "sesv2", "signin", "sns", "sqs", "ssm", "sso", "sso-oidc", "sts"),
    }
)
"""The services that Muster calls, and those that sign it in. The SDK describes each of 400 services in a folder."""


def trim(packages: Path) -> None:
    """Remove the unused parts of the packages in a folder.

    Raises:
        SystemExit: a part is not there, or a service that Muster calls is unknown to the SDK.
    """
    for pattern in UNUSED:
        found = list(packages.glob(pattern))
        if not found:
            sys.exit(f"{pattern} is not in {packages}: correct the list in {__file__}.")
        for path in found:
            _remove(path)
    services = {folder.name: folder for folder in (packages / "botocore/data").iterdir() if folder.is_dir()}
    if unknown := AWS_SERVICES - services.keys():
        sys.exit(f"botocore does not know {', '.join(sorted(unknown))}: correct the list in {__file__}.")
    for name in services.keys() - AWS_SERVICES:
        _remove(services[name])


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
