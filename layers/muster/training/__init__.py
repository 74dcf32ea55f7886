"""Training of the head with torch, and the gate that a head must pass."""
