"""The JSON documents of the HTTP API; the command line prints the same ones with `--json`."""
