"""Move a store to another model pack."""
