"""Model packs: their specification, build, verification and loading."""
