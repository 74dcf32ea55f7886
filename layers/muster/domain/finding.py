"""What an examination of a store found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an operator should know.

    Attributes:
        code: stable, such as `files_missing`.
        detail: what is the matter and what to do, in a sentence or two.
        problem: whether it needs doing; if not, it is only worth knowing.
    """

    code: str
    detail: str
    problem: bool = True
