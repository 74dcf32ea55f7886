"""Process photos that clients upload directly to the object store."""
