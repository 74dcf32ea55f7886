"""Exchange with other systems: API tokens."""
