"""Galleries and the head in use, kept in memory between requests."""
