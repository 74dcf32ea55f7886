"""Makes the simulated DynamoDB's transactions cost what they write, not what the table holds.

The simulation deep-copies the whole table once per action of a transaction, to restore it if the transaction is
cancelled, and keeps every copy until the process ends. With a few hundred students that takes seconds per registration
and gigabytes. Here a copy of a table shares its items, and an item is replaced rather than changed in place.
"""

import copy
import functools
from collections import defaultdict
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table


def share_items() -> None:
    """Change the simulation in this process; a second call changes nothing."""
    if "__deepcopy__" in Table.__dict__:
        return
    setattr(Table, "__deepcopy__", _copy_of_table)  # noqa: B010 - a method that the class lacks
    setattr(DynamoDBBackend, "update_item", _replacing_the_item(DynamoDBBackend.update_item))  # noqa: B010 - mypy


def _copy_of_table(table: Any, memo: dict[int, Any]) -> Any:
    # Not by its class, which keeps every instance that it makes.
    copied = object.__new__(type(table))
    copied.__dict__.update(table.__dict__)
    copied.items = defaultdict(dict, {key: dict(items) for key, items in table.items.items()})
    return copied


def _replacing_the_item(update: Any) -> Any:
    @functools.wraps(update)
    def update_item(backend: Any, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        table = backend.get_table(table_name)
        partition = table.items.get(DynamoType(key[table.hash_key_attr]), {})
        sort_key = DynamoType(key[table.range_key_attr])
        if sort_key in partition:
            partition[sort_key] = copy.deepcopy(partition[sort_key])
        return update(backend, table_name, key, *args, **kwargs)

    return update_item
