"""Decode photos, and draw the pictures that people look at."""
