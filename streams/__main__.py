"""`python -m streams` is `earmark`: how one process starts another of this very installation."""

from streams.cli.main import main

main()
