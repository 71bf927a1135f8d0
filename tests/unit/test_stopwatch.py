from streams import metrics


def throttled(by: str) -> float:
    return metrics.REGISTRY.get_sample_value("earmark_throttled_seconds_total", {"by": by}) or 0.0


def test_only_time_in_which_somebody_made_us_wait_is_added_up() -> None:
    now = iter([0.0, 1.0, 3.0, 10.0, 12.0, 12.5])
    watch = metrics.Stopwatch("test", lambda: next(now))
    for is_on in (False, True, True, False, True, False):
        watch.note(is_on=is_on)
    assert throttled("test") == (3.0 - 1.0) + (10.0 - 3.0) + (12.5 - 12.0)
