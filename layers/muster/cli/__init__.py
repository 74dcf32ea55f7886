"""The `muster` command: one module per group of subcommands, and their input and output."""
