"""Image formats that Muster reads."""

PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
"""Pillow's names of the formats."""

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"})
"""Suffixes, in lower case, by which folders and archives are searched for photos."""
