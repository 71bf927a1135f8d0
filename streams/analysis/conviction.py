"""How sure a speaker sounds, from what a model says of it: a number from 0 to 1, or none."""

from collections.abc import Iterable


def scale_of(said: Iterable[float | None]) -> int:
    """What the convictions of one answer are parts of: 1, or 10 or 100 where all of them can be on that scale.

    A fraction of 1 is on no other scale, and a fraction at all is not on one of 100.
    """
    numbers = [number for number in said if number is not None]
    most = max(numbers, default=0.0)
    if most <= 1 or any(number < 1 and number != 0 for number in numbers):
        return 1
    if most <= 10:
        return 10
    return 100 if most <= 100 and all(number.is_integer() for number in numbers) else 1


def step_of(said: float | None, scale: int) -> float | None:
    """The nearest step of 0.05; None for what is no number from 0 to `scale`: it is never taken for the nearest one."""
    return round(said / scale * 20) / 20 if said is not None and 0 <= said <= scale else None
