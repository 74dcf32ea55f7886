"""Write the OpenAPI document: `python -m muster.composition.openapi > docs/openapi.json`."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from muster.api.app import create_app
from muster.composition.local import LocalSystem, open_local_system


def openapi_text(system: LocalSystem) -> str:
    """Return the document of the local system's API, the same text each time."""
    return json.dumps(create_app(system).openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        sys.stdout.write(openapi_text(open_local_system(Path(folder))))
