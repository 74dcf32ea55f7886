"""The school's table of attendance codes."""
