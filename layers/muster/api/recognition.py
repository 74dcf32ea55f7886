"""Recognition in a process that may still be loading its models."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster.api.system import Services


class Recognition:
    """The services that need models. They are loaded once, by the first caller; other callers wait.

    Args:
        load: loads the models and builds the services.
        services: the services, if they are built already.
    """

    def __init__(self, load: Callable[[], Services], services: Services | None = None) -> None:
        self._load = load
        self._services = services
        self._loading = Lock()

    @classmethod
    def of(cls, services: Services) -> Recognition:
        """Return recognition whose models are loaded."""
        return cls(lambda: services, services)

    @property
    def ready(self) -> bool:
        """Whether the models are loaded."""
        return self._services is not None

    def services(self) -> Services:
        """Return the services, after loading the models if necessary.

        Raises:
            MusterError: the models cannot be loaded. The next call tries again.
        """
        if self._services is None:
            with self._loading:
                if self._services is None:
                    self._services = self._load()
        return self._services
