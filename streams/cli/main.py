"""The command line: every verb, and the one place where an error becomes a sentence and an exit code."""

import sys

import click

from streams.errors import EarmarkError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="earmark", prog_name="earmark")
def earmark() -> None:
    """Listen to finance videos and put every stock call on the record."""


def main() -> None:
    """Run `earmark`; a foreseen error is one sentence on stderr and its exit code."""
    try:
        earmark(standalone_mode=True)
    except EarmarkError as error:
        click.echo(f"earmark: {error}", err=True)
        sys.exit(error.exit_code)
