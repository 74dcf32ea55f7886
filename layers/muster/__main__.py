"""`python -m muster` is the `muster` command."""

from muster.cli.app import main

main()
