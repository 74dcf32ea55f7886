"""Where a store can be: each place opens its stores anew, in this process or in another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muster.storage.local import open_local
from muster.storage.ports import HeadStore, SessionStore, StudentStore, TrainingStore


class Stores(Protocol):
    """The four ports of one place."""

    @property
    def students(self) -> StudentStore: ...

    @property
    def sessions(self) -> SessionStore: ...

    @property
    def heads(self) -> HeadStore: ...

    @property
    def training(self) -> TrainingStore: ...


class Place(Protocol):
    """Can be pickled, so that another process opens the same stores."""

    def open(self) -> Stores: ...


@dataclass(frozen=True)
class LocalPlace:
    """One directory."""

    directory: Path

    def open(self) -> Stores:
        return open_local(self.directory)
