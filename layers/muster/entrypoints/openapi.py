"""Write the OpenAPI document: `python -m muster.entrypoints.openapi > docs/openapi.json`."""

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


def openapi_text(services: LocalServices) -> str:
    """Return the document of the whole API, uploads on AWS included. The text is the same each time."""
    # The document describes the routes; none is called.
    uploads = Uploads(cast(UploadStore, None), services.stores.students, services.sessions, max_bytes=1)
    document = create_app(replace(services, uploads=uploads)).openapi()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        sys.stdout.write(openapi_text(LocalBackend(Path(folder)).services))
