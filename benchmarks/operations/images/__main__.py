"""Build both images without a Docker engine, look into them and run them: `python -m benchmarks images`.

Needs root, Debian's `buildah` and `debootstrap`, Node on the path (the templates are synthesized), the development
requirements, 40 GB of disk for both images (5 GB with `--only vision`), and a package registry. It takes minutes.
Images run with their own root, process numbers, user and environment, but on this machine's network, loopback only.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from moto.server import ThreadedMotoServer

from benchmarks.operations.images import contents, functions, server, training
from benchmarks.operations.images.containers import Builder, Image
from infra.app import build as synthesize
from infra.config import DEV
from tests.e2e.aws.cloud import Cloud
from tests.infra.templates import StageTemplates

CONTENT_BUDGET_MB = 500
MEMORY_BUDGET_MB = 1500
_IMAGES = ("vision", "training")


def main() -> int:
    """Print the figures; return 1 where a budget is missed or something lies in an image that should not."""
    options = _options()
    missing = [name for name in ("buildah", "debootstrap", "unshare", "chroot") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        print(f"This needs root, and on the path: {', '.join(missing) or 'all is there'}.", file=sys.stderr)
        return 2
    options.scratch.mkdir(parents=True, exist_ok=True)
    builder = Builder(options.scratch, options.driver)
    document: dict[str, Any] = {"benchmark": "images"}
    try:
        base = options.base or builder.base()
        below = builder.open(base)
        for name in options.only or _IMAGES:
            document[name] = {}
            if not options.built:
                log = options.scratch / f"{name}-build.log"
                seconds = builder.build(f"containers/{name}/Dockerfile", f"muster/{name}", base, log)
                document[name]["build_seconds"] = round(seconds)
            image = builder.open(f"muster/{name}")
            document[name] |= _looked_into(image, below, name)
            with tempfile.TemporaryDirectory(dir=options.scratch) as folder, _cloud(Path(folder)) as cloud:
                document[name] |= _ran(name, image, cloud, Path(folder), options.starts)
            _print(name, document[name])
    finally:
        builder.close_all()
    document["within_budget"] = _within_budget(document)
    print(json.dumps(document))
    return 0 if document["within_budget"] else 1


def _looked_into(image: Image, base: Image, name: str) -> dict[str, Any]:
    above = image.content_bytes() - base.content_bytes()
    return {"content_mb": round(above / 1e6), "faults": contents.faults(image, base, torch=name == "training")}


def _ran(name: str, image: Image, cloud: Cloud, scratch: Path, starts: int) -> dict[str, Any]:
    if name == "training":
        return training.run(image, cloud, scratch)
    log = scratch / "verify.log"
    assert image.run("muster", "packs", "verify", variables={}, log=log) == 0, log.read_text()
    return {"server": server.run(image, scratch), "function": functions.run(image, cloud, scratch, starts)}


def _within_budget(document: dict[str, Any]) -> bool:
    if any(document[name]["faults"] for name in _IMAGES if name in document):
        return False
    vision = document.get("vision")
    return vision is None or (
        vision["content_mb"] < CONTENT_BUDGET_MB and max(vision["function"]["peak_mb"].values()) < MEMORY_BUDGET_MB
    )


def _print(name: str, figures: dict[str, Any], indent: str = "") -> None:
    print(f"{indent}{name}")
    for key, value in figures.items():
        if isinstance(value, dict):
            _print(key, value, indent + "  ")
        else:
            print(f"{indent}  {key.replace('_', ' '):<46}{value if value != [] else 'none'}")


@contextmanager
def _cloud(folder: Path) -> Iterator[Cloud]:
    """Build the dev stage, with nobody registered, on simulated services."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ |= {"CDK_DOCKER": "/bin/false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
    synthesize(folder / "cdk.out", [DEV]).synth()
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        httpx.post(f"{endpoint}/moto-api/reset").raise_for_status()
        httpx.post(f"{endpoint}/moto-api/config", json={"batch": {"use_docker": False}}).raise_for_status()
        cloud = Cloud(endpoint, StageTemplates.load(folder / "cdk.out", "dev"), Path("/opt/muster"), folder)
        cloud.build()
        yield cloud
    finally:
        moto.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scratch = Path(tempfile.gettempdir()) / "muster-images"
    parser.add_argument("--scratch", type=Path, default=scratch, help="where images are kept: %(default)s")
    parser.add_argument("--driver", default="overlay", help="buildah's storage driver: overlay, or vfs where it fails")
    parser.add_argument("--base", help="base image; without it one is made of Debian's packages")
    parser.add_argument("--only", action="append", choices=_IMAGES, help="this image; may be repeated")
    parser.add_argument("--built", action="store_true", help="take the images as they were built before")
    parser.add_argument("--starts", type=int, default=5, help="cold starts of each kind: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
