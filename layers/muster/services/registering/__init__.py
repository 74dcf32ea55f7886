"""Register students from photos, one at a time or in bulk."""
