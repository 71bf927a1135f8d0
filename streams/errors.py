"""The errors a person may meet: each sentence names the thing and the mend."""


class EarmarkError(Exception):
    """Base of everything Earmark raises on purpose; the command line prints its sentence and exits with `exit_code`."""

    exit_code = 1


class RefusedError(EarmarkError):
    """Earmark will not do this: over a cap, a price it does not know, a partition count that differs."""

    exit_code = 3


class TransientError(EarmarkError):
    """Nothing is wrong with what was asked for: try it again later."""
