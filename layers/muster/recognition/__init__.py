"""Embeddings to decisions: gallery, likelihood ratios, thresholds, the decision on a whole roll, and the head."""
