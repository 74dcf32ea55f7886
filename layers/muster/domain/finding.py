"""Findings of a check of a store."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding for the operator.

    Attributes:
        code: stable, such as `files_missing`.
        detail: the problem and what to do, in one or two sentences.
        problem: whether action is needed; false for mere information.
    """

    code: str
    detail: str
    problem: bool = True
