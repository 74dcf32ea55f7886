"""Report attendance over a period."""
