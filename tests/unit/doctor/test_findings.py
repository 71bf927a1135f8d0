"""What the numbers that doctor sees mean."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.doctor.cluster import broker_clock, topics
from streams.doctor.finding import Finding, clock, is_broken, room, ytdlp_age
from streams.log.layout import Layout
from streams.log.topics import KEPT_FOR_EVER, TOPICS

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("date", "verdict", "found"),
    [
        ("Fri, 20 Nov 2026 12:00:04 GMT", "ok", "within 10 s of Claude's"),
        ("Fri, 20 Nov 2026 12:00:40 GMT", "look", "this machine's clock is 40 s behind Claude's"),
        ("Fri, 20 Nov 2026 11:59:20 GMT", "look", "this machine's clock is 40 s ahead of Claude's"),
        ("Fri, 20 Nov 2026 12:05:01 GMT", "broken", "this machine's clock is 301 s behind Claude's"),
        ("yesterday", "look", "Claude says no time"),
        (None, "look", "Claude says no time"),
    ],
)
def test_a_clock_is_held_against_the_date_header(date: str | None, verdict: str, found: str) -> None:
    finding = clock("Claude", date, NOW)
    assert (finding.check, finding.verdict, finding.found) == ("clock (Claude)", verdict, found)


@pytest.mark.parametrize(
    ("stamped", "made", "verdict", "found"),
    [
        (NOW - 90 * SECOND, NOW - 91 * SECOND, "ok", "the newest record, of 2026-11-20 11:58:30, was stamped when it was made"),
        (NOW - 90 * SECOND, None, "ok", "the newest record, of 2026-11-20 11:58:30, was stamped when it was made"),
        (NOW + 60 * SECOND, NOW, "look", "this machine's clock is 60 s behind Kafka's"),
        (NOW + 600 * SECOND, NOW, "broken", "this machine's clock is 600 s behind Kafka's"),
        (NOW - 90 * SECOND, NOW - 30 * SECOND, "look", "this machine's clock is 60 s ahead of Kafka's"),
        (
            NOW - 90 * SECOND,
            NOW - 190 * SECOND,
            "look",
            "the newest record was stamped 100 s after it was made: Kafka was away, or a clock is wrong",
        ),
    ],
)  # fmt: skip
def test_kafkas_clock_is_that_of_the_newest_record(
    stamped: datetime, made: datetime | None, verdict: str, found: str
) -> None:
    finding = broker_clock(stamped, made, NOW)
    assert (finding.verdict, finding.found) == (verdict, found)


def test_ytdlp_is_old_after_sixty_days() -> None:
    assert ytdlp_age("2026.09.21", NOW) == Finding("yt-dlp", "ok", "2026.09.21, 60 days old")
    old = ytdlp_age("2026.09.20.232955", NOW)
    assert (old.verdict, old.found) == (
        "look",
        "2026.09.20.232955 is 61 days old: YouTube refuses old clients",
    )


@pytest.mark.parametrize(("free", "verdict"), [(400, "broken"), (500, "look"), (999, "look"), (1000, "ok")])
def test_a_disk_is_looked_at_before_it_is_full(free: int, verdict: str) -> None:
    assert room(free * 10**6, 500 * 10**6, "/data").verdict == verdict


def test_only_what_is_broken_is_broken() -> None:
    assert not is_broken([Finding("a", "ok", "so"), Finding("b", "look", "so")])
    assert is_broken([Finding("a", "ok", "so"), Finding("b", "broken", "so")])


AS_THE_CODE_SAYS = {
    f"earmark.{topic.name}": Layout(topic.partitions, {**KEPT_FOR_EVER, **topic.config}) for topic in TOPICS
}


def changed(name: str, **config: str) -> dict[str, Layout]:
    was = AS_THE_CODE_SAYS[name]
    names = {key.replace("_", "."): value for key, value in config.items()}
    return AS_THE_CODE_SAYS | {name: Layout(was.partitions, {**was.config, **names})}


@pytest.mark.parametrize(
    ("layouts", "broken", "found", "fix"),
    [
        ({}, "topics", "there is no topic whose name begins with earmark.", "`earmark up` makes them, or `earmark topics apply`"),
        (
            {name: layout for name, layout in AS_THE_CODE_SAYS.items() if "signals" not in name},
            "topics",
            "missing: earmark.signals.mentions, earmark.signals.outlooks",
            "`earmark topics apply`",
        ),
        (
            AS_THE_CODE_SAYS | {"earmark.videos": Layout(1, KEPT_FOR_EVER)},
            "topics",
            "earmark.videos: 1 partitions where 12 belong",
            (
                "keys would move and order be lost; if it is empty, `earmark topics apply --recreate-empty` makes it"
                " anew; else use another EARMARK_TOPIC_PREFIX"
            ),
        ),
        (
            changed("earmark.captions", max_message_bytes="1048588"),
            "topics",
            "earmark.captions has max.message.bytes=1048588 where 9437184 belongs",
            "`earmark topics apply`",
        ),
        (
            changed("earmark.captions", retention_ms="604800000"),
            "retention",
            "Kafka deletes the log: earmark.captions has retention.ms=604800000 where -1 belongs",
            "`earmark topics apply`",
        ),
    ],
)  # fmt: skip
def test_topics_are_held_against_the_code(
    layouts: dict[str, Layout], broken: str, found: str, fix: str
) -> None:
    [finding] = [finding for finding in topics(layouts, "earmark.") if finding.verdict != "ok"]
    assert finding == Finding(broken, "broken", found, fix)


def test_topics_as_the_code_says_keep_everything() -> None:
    assert topics(AS_THE_CODE_SAYS, "earmark.") == [
        Finding("topics", "ok", "all 12 are as the code says"),
        Finding("retention", "ok", "12 topics keep their records for ever"),
    ]
