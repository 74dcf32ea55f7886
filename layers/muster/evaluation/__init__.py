"""Measurement of recognition accuracy on labelled photos, for `muster evaluate`."""
