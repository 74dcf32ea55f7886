"""Write the OpenAPI document: `python -m muster.composition.openapi > docs/openapi.json`."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from muster.api.app import create_app
from muster.composition.local import LocalBackend, LocalServices
from muster.services.uploading.uploads import Uploads
from muster.storage.ports import UploadStore


def openapi_text(system: LocalServices) -> str:
    """Return the document of the whole API, that of the cloud's uploads too, the same text each time."""
    # The document tells of routes; none is called.
    uploads = Uploads(cast(UploadStore, None), system.stores.students, system.sessions, max_bytes=1)
    document = create_app(replace(system, uploads=uploads)).openapi()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        sys.stdout.write(openapi_text(LocalBackend(Path(folder)).services))
