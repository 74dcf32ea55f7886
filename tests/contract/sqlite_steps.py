"""Counts what SQLite does, which is the same on every machine."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_GRAIN = 100
"""Instructions of SQLite's virtual machine between two counts."""


class Steps:
    """Instructions of SQLite's virtual machine, to the hundred, of connections opened since `counted_steps` began."""

    def __init__(self) -> None:
        self.total = 0

    def count(self) -> int:
        """Count one grain; 0 lets the statement go on."""
        self.total += _GRAIN
        return 0


@contextmanager
def counted_steps() -> Iterator[Steps]:
    """Count the instructions of every connection that is opened in the block."""
    steps, connect = Steps(), sqlite3.connect

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_progress_handler(steps.count, _GRAIN)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", counting)
        yield steps
