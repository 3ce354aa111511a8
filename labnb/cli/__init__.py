"""The command line: the words of the magics, with `--json` and exit codes that mean something."""
