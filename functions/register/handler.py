"""Registers students: requests through the gateway, and photos that came straight to S3."""

from functions.vision import handler

__all__ = ["handler"]
