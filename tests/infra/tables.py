"""The table as the template makes it, for tests that need a table and nothing else."""

from functools import cache
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from infra.app import FLAGS
from infra.config import DEV
from infra.stacks.data import DataStack


def creation(table: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `CreateTable` for a table of the template, without its name."""
    assert "GlobalSecondaryIndexes" not in table, "nothing in the code asks an index"
    return {name: table[name] for name in ("KeySchema", "AttributeDefinitions", "BillingMode")}


@cache
def table_definition() -> dict[str, Any]:
    """Synthesize the stack of the table alone, once, and return the arguments of `CreateTable`."""
    stack = DataStack(
        cdk.App(context=FLAGS), "data", config=DEV, web_origins=["https://example.edu"], env=cdk.Environment()
    )
    (table,) = Template.from_stack(stack).find_resources("AWS::DynamoDB::Table").values()
    return creation(table["Properties"])
