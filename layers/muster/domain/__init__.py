"""Types, identifiers, rules and errors that every other package uses; no input or output."""
