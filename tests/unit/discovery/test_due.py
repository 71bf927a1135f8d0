"""What is sent, and when: each thing once whatever happens, live first, the rest at the valve's pace."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streams.discovery.channels import Follow
from streams.discovery.due import Backlog, Valve, Walk, next_due
from streams.discovery.known import Known, Retry
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.events.videos import Origin, Video, VideoDiscovered
from streams.log.topics import destination

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
FOLLOWED = ChannelFollowed(at=NOON, channel_id="UC1", handle=None, title=None, since=NOON - DAY)
FOLLOW = Follow("UC1", None, None, NOON, NOON - DAY)


def video(video_id: str, origin: Origin) -> Video:
    return Video(video_id=video_id, url="https://example.com", channel_id="UC1", origin=origin)


def following(*events: Event) -> Known:
    known = Known()
    for offset, event in enumerate((FOLLOWED, *events)):
        known.apply_event(event, Position(partition=0, offset=offset))
    return known


def backlog_of(*videos: Video) -> Backlog:
    backlog = Backlog()
    backlog.add(videos)
    return backlog


def open_valve() -> Valve:
    return Valve(20, NOON)


def test_live_goes_before_retries_and_retries_before_old_videos() -> None:
    failed = CaptionsUnavailable(
        at=NOON,
        video=video("failed", "poll"),
        revision=1,
        attempt=1,
        tries=1,
        reason="",
        failure="later",
        starts_at=None,
        next_try_at=NOON,
    )
    known = following(failed)
    backlog = backlog_of(video("old", "backfill"), video("live", "poll"))
    order: list[str] = []
    while (due := next_due(known, backlog, open_valve(), NOON)) is not None:
        order.append(due.video_id)
        known.apply_event(sent(due), Position(partition=0, offset=9))
    assert order == ["live", "failed", "old"]


def taken(video_id: str, at: datetime, attempt: int = 1) -> CaptionsExtracted:
    return CaptionsExtracted(
        at=at,
        video=video(video_id, "poll"),
        captions_id=captions_id(video_id, 1),
        revision=1,
        attempt=attempt,
        source="captions_auto",
        language="en",
        texts=("a",),
        starts_ms=(0,),
        ends_ms=(1,),
        words=1,
    )


def sent(due: Video | Retry | None, at: datetime = NOON) -> Event:
    assert due is not None
    if isinstance(due, Video):
        return VideoDiscovered(at=at, video=due)
    return CaptionsRequested(
        at=at,
        video=video(due.video_id, "poll"),
        revision=due.failed.revision,
        attempt=due.failed.attempt + 1,
        cause="retry",
    )


def test_a_shut_valve_holds_old_videos_and_no_live_one() -> None:
    shut = open_valve().passed(NOON)
    old, live = video("old", "backfill"), video("live", "poll")
    assert next_due(following(), backlog_of(old), shut, NOON + 1 * SECOND) is None
    assert next_due(following(), backlog_of(old, live), shut, NOON + 1 * SECOND) == live
    assert next_due(following(), backlog_of(old), shut, NOON + 3 * SECOND) == old


def test_the_valve_makes_up_for_a_second_at_most() -> None:
    valve, passed = Valve(600, NOON), 0
    late = NOON + 60 * SECOND
    while valve.is_open(late):
        valve, passed = valve.passed(late), passed + 1
    assert passed == 11


def refused(video_id: str, at: datetime, attempt: int = 1, origin: Origin = "poll") -> CaptionsUnavailable:
    return CaptionsUnavailable(
        at=at,
        video=video(video_id, origin).model_copy(update={"published_at": at}),
        revision=1,
        attempt=attempt,
        tries=0,
        reason="Sign in to confirm you're not a bot",
        failure="soon",
        starts_at=None,
        next_try_at=at,
    )


def test_a_live_video_waits_for_the_valve_only_behind_a_minutes_worth() -> None:
    valve, passed = open_valve(), 0
    while valve.is_open(NOON, live=True):
        valve, passed = valve.passed(NOON), passed + 1
    assert passed == 21
    assert not valve.is_open(NOON)
    assert valve.is_open(NOON + 4 * SECOND, live=True)


def test_while_youtube_refuses_one_video_probes_when_the_pause_allows() -> None:
    known = following(refused("a", NOON), refused("b", NOON + SECOND))
    backlog = backlog_of(video("live", "poll"), video("old", "backfill"))
    assert known.pause is not None
    until = known.pause.until
    assert next_due(known, backlog, open_valve(), until - SECOND) is None
    probe = next_due(known, backlog, open_valve(), until)
    assert isinstance(probe, Retry)
    assert probe.video_id == "a"
    known.apply_event(sent(probe, until), Position(partition=0, offset=9))
    assert next_due(known, backlog, open_valve(), until + MINUTE) is None, "one probe at a time"
    assert next_due(known, backlog, open_valve(), until + 10 * MINUTE) is not None, "a probe was lost"


def test_another_video_probes_next() -> None:
    known = following(refused("a", NOON), refused("b", NOON + SECOND))
    assert known.pause is not None
    later = known.pause.until
    known.apply_event(refused("a", later, 2), Position(partition=0, offset=9))
    assert known.pause.until > later
    probe = next_due(known, backlog_of(), open_valve(), known.pause.until)
    assert probe is not None
    assert probe.video_id == "b"


def test_when_youtube_serves_again_everybody_who_waits_goes_the_oldest_live_first() -> None:
    waiting = [refused(f"live{n}", NOON - n * MINUTE) for n in range(3)]
    old = [refused(f"old{n}", NOON - DAY, origin="backfill") for n in range(2)]
    known = following(*old, *waiting, taken("probe", NOON + DAY))
    order: list[str] = []
    while (due := next_due(known, backlog_of(), open_valve(), NOON + DAY)) is not None:
        order.append(due.video_id)
        known.apply_event(sent(due, NOON + DAY), Position(partition=0, offset=9))
    assert order == ["live2", "live1", "live0", "old0", "old1"]


def test_a_probe_that_is_private_by_now_says_nothing_and_the_next_goes() -> None:
    known = following(refused("a", NOON), refused("b", NOON + SECOND))
    assert known.pause is not None
    until = known.pause.until
    known.apply_event(
        sent(next_due(known, backlog_of(), open_valve(), until), until), Position(partition=0, offset=9)
    )
    private = refused("a", until + SECOND, 2).model_copy(
        update={"failure": "slow", "next_try_at": NOON + DAY}
    )
    known.apply_event(private, Position(partition=0, offset=10))
    probe = next_due(known, backlog_of(), open_valve(), until + 2 * SECOND)
    assert probe is not None
    assert probe.video_id == "b"


def unknown(video_id: str, at: datetime, tries: int, next_try_at: datetime | None) -> CaptionsUnavailable:
    odd = refused(video_id, at, attempt=tries)
    return odd.model_copy(
        update={"failure": "unknown", "reason": "Oops", "tries": tries, "next_try_at": next_try_at}
    )


def test_a_sentence_that_turns_out_to_be_the_clients_costs_no_try_not_even_the_last() -> None:
    known = following(
        unknown("a", NOON, 4, None),
        unknown("b", NOON + SECOND, 1, NOON + DAY),
        unknown("c", NOON + 2 * SECOND, 1, NOON + DAY),
        taken("d", NOON + 10 * MINUTE),
    )
    assert known.pause is None
    assert all(known.is_excused(retry) for retry in known.retries.values())
    due = known.first_retry(NOON + 11 * MINUTE)
    assert due is not None
    assert due.video_id == "a"


def test_a_last_try_with_an_unknown_sentence_of_its_own_is_the_last() -> None:
    known = following(unknown("a", NOON, 4, None), taken("d", NOON + 10 * MINUTE))
    assert known.first_retry(NOON + 9 * DAY) is None


def test_a_video_that_is_refused_while_others_are_taken_waits_alone() -> None:
    known = following(refused("odd", NOON), taken("x", NOON + MINUTE), refused("odd", NOON + 2 * MINUTE, 2))
    assert known.pause is None
    assert known.first_retry(NOON + 5 * MINUTE) is None
    assert known.first_retry(NOON + DAY) is not None


def test_live_is_sent_oldest_first_and_old_newest_first() -> None:
    backlog = backlog_of(
        *(video(f"{origin}{n}", origin) for n in range(3) for origin in ("poll", "backfill"))
    )
    assert list(backlog.live) == ["poll0", "poll1", "poll2"]
    assert list(backlog.old) == ["backfill2", "backfill1", "backfill0"]


def test_a_video_found_twice_stays_as_it_was_found_first() -> None:
    backlog = backlog_of(video("a", "poll"), video("a", "backfill"))
    backlog.add([video("a", "backfill")])
    assert (list(backlog.live), list(backlog.old)) == (["a"], [])


def test_a_walk_counts_once_its_videos_are_in_the_log() -> None:
    known, backlog = following(), backlog_of(video("old", "backfill"))
    backlog.walked(Walk(FOLLOW, "videos", NOON - DAY, frozenset({"old"})))
    assert backlog.covered(known, NOON) == []
    known.apply_event(
        VideoDiscovered(at=NOON, video=video("old", "backfill")), Position(partition=0, offset=0)
    )
    (scanned,) = backlog.covered(known, NOON)
    assert (scanned.channel_id, scanned.tab, scanned.since, scanned.complete) == (
        "UC1",
        "videos",
        NOON - DAY,
        True,
    )
    known.apply_event(scanned, Position(partition=0, offset=1))
    backlog.prune(known)
    assert backlog == Backlog()


def test_what_was_found_for_a_follow_ends_with_it() -> None:
    known, backlog = following(), backlog_of(video("old", "backfill"), video("live", "poll"))
    backlog.walked(Walk(FOLLOW, "videos", NOON - DAY, frozenset()))
    known.apply_event(ChannelUnfollowed(at=NOON, channel_id="UC1"), Position(partition=0, offset=1))
    backlog.prune(known)
    assert backlog == Backlog()


IDS = st.integers(0, 5).map(str)


class Watching(RuleBasedStateMachine):
    """Workers, redeliveries, lagging topics and restarts against what watch sends; the log is the judge."""

    @initialize()
    def begin(self) -> None:
        self.log: dict[str, list[Record]] = {}
        self.now = NOON
        self.sent: list[tuple[Any, ...]] = []
        self.open_tries: dict[tuple[str, int], Video] = {}
        self.append(FOLLOWED)
        self.restart([])

    def append(self, event: Event) -> Position:
        topic, _ = destination(event)
        records = self.log.setdefault(topic.name, [])
        message = encode(event)
        records.append(Record(topic.name, 0, len(records), 0, message.key, message.headers, message.value))
        return Position(partition=0, offset=len(records) - 1)

    @rule(topic=st.sampled_from(["videos", "captions.requests", "captions", "captions.unavailable"]))
    def follow_a_topic(self, topic: str) -> None:
        for record in self.log.get(topic, [])[self.read.get(topic, 0) :]:
            self.known.apply(record)
        self.read[topic] = len(self.log.get(topic, []))

    @rule(
        order=st.permutations(["channels", "videos", "captions.requests", "captions", "captions.unavailable"])
    )
    def restart(self, order: list[str]) -> None:
        self.known, self.backlog, self.read = Known(), Backlog(), dict[str, int]()
        self.valve = Valve(20, self.now)
        for topic in order or ["channels"]:
            self.follow_a_topic(topic)

    @rule(ids=st.lists(IDS), origin=st.sampled_from(["poll", "backfill"]))
    def find(self, ids: list[str], origin: Origin) -> None:
        self.backlog.add(video(video_id, origin) for video_id in ids)

    @rule(seconds=st.sampled_from([1, 3, 60, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(
        data=st.data(),
        failure=st.sampled_from(["later", "soon", "permanent", "unknown", "not_yet"]),
        again=st.booleans(),
    )
    def a_worker_fails(self, data: st.DataObject, failure: Any, again: bool) -> None:  # noqa: FBT001
        if self.open_tries:
            (video_id, attempt) = data.draw(st.sampled_from(sorted(self.open_tries)))
            event = CaptionsUnavailable(
                at=self.now,
                video=self.open_tries[video_id, attempt],
                revision=1,
                attempt=attempt,
                tries=attempt,
                reason="",
                failure=failure,
                starts_at=None,
                next_try_at=None if failure == "permanent" else self.now + timedelta(minutes=1),
            )
            if failure == "unknown" and attempt > 2:
                event = event.model_copy(update={"next_try_at": None})
            self.append(event)
            if again:  # redelivered: told twice
                self.append(event)
            else:
                del self.open_tries[video_id, attempt]

    @rule(data=st.data())
    def a_worker_succeeds(self, data: st.DataObject) -> None:
        if self.open_tries:
            (video_id, attempt) = data.draw(st.sampled_from(sorted(self.open_tries)))
            self.append(taken(video_id, self.now, attempt))

    @rule()
    def send_what_is_due(self) -> None:
        self.backlog.prune(self.known)
        while (due := next_due(self.known, self.backlog, self.valve, self.now)) is not None:
            is_live = isinstance(due, Video) and due.origin == "poll"
            paused = self.known.pause
            if paused is None:
                assert is_live or not [v for v in self.backlog.live if v not in self.known.settled], (
                    "live waited"
                )
                assert self.valve.is_open(self.now, live=is_live)
            else:
                assert self.now >= paused.until
            self.valve = self.valve.passed(self.now)
            event = sent(due, self.now)
            if isinstance(due, Retry):
                failed = self.log["captions.unavailable"][due.position.offset].event()
                assert isinstance(failed, CaptionsUnavailable)
                if failed.failure in ("later", "not_yet"):
                    assert failed.next_try_at is not None
                    assert failed.next_try_at <= self.now
                attempt = due.failed.attempt + 1
            else:
                attempt = 1
            self.sent.append((due.video_id, attempt))
            self.open_tries[due.video_id, attempt] = video(due.video_id, "poll")
            self.known.apply_event(event, self.append(event))

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert len(self.sent) == len(set(self.sent))

    def teardown(self) -> None:
        """In the end every failed try has its next one: nothing is lost but the last try of a video's own."""
        if not hasattr(self, "log"):
            return
        self.restart(["captions", "captions.unavailable", "captions.requests", "videos", "channels"])
        for _ in range(60):
            self.now += timedelta(hours=1)
            self.send_what_is_due()
        assert all(retry.next_try_at is None for retry in self.known.retries.values())
        self.nothing_is_sent_twice()


TestWatching = Watching.TestCase
TestWatching.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
