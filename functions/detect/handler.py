"""Lambda handler that reads group photos, from API requests and from uploads to S3."""

from functions.vision import handler

__all__ = ["handler"]
