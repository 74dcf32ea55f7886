"""Attendance from one group photo."""

__version__ = "0.2.0"
