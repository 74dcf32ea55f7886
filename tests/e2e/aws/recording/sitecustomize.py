"""On the path of a function under test: writes down every call to AWS that it makes."""

import json
import os
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from muster.services.notices.webhook import Webhook

_call = BaseClient._make_api_call  # type: ignore[attr-defined]
_file = Path(os.environ["MUSTER_TEST_CALLS"])


def _recorded(self: Any, operation: str, parameters: Any) -> Any:
    service = self.meta.service_model.service_name
    line = json.dumps({"service": service, "operation": operation, "parameters": parameters}, default=lambda _: None)
    with _file.open("a", encoding="utf-8") as calls:
        calls.write(line + "\n")
    return _call(self, operation, parameters)


BaseClient._make_api_call = _recorded  # type: ignore[attr-defined]

if "MUSTER_TEST_RECEIVER" in os.environ:
    # The receiver of a test is on this machine, which events of a stage are not sent to.
    Webhook._check_peer = lambda self, connection: None  # type: ignore[method-assign]
