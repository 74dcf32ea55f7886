"""The five stacks of a stage."""
