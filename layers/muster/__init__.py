"""Attendance from one group photo."""

__version__ = "0.1.0"
