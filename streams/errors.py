"""The errors a person may see: each sentence names the thing and the fix."""


class EarmarkError(Exception):
    """Base of every error that Earmark raises on purpose. The command line prints its sentence and exits with `exit_code`."""

    exit_code = 1


class RefusedError(EarmarkError):
    """Earmark refuses: a cap is reached, a price is unknown, a partition count differs."""

    exit_code = 3


class TransientError(EarmarkError):
    """The request is fine: try it again later."""
