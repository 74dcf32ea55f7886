"""A client of an AWS service that is created when it is first used."""

import threading
from collections.abc import Callable
from typing import Any


class LazyClient:
    """Stands in for a client of boto3. Creating one takes a tenth of a cold start, and most requests need no S3.

    Args:
        create: returns the client; called once, by the first thread that uses it.
    """

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create
        self._lock = threading.Lock()
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the client, such as a method."""
        with self._lock:
            if self._client is None:
                self._client = self._create()
        return getattr(self._client, name)
