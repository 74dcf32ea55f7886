"""Decide when a head is trained, run the training and promote the result."""
