"""The stages, lanes and replays of what was gathered: without I/O."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from projections.overview import Picture, Standing
from streams.budget.limits import Limits
from streams.discovery.watch_state import WatchState
from streams.overview.model import LaneState, ReplayState, Snapshot, Stage

_ASKED = ("call", "answer")
"""What a video waits for while its call is under way."""


def stages(
    picture: Picture, watch: WatchState | None, snapshot: Snapshot, *, in_flight: int, to_publish: int | None
) -> tuple[Stage, ...]:
    """Every stage, in the order of the walk. `in_flight`: captions on their way; `to_publish`: records for the publisher."""
    done = {name: count for name, (count, _) in picture.done.items()}
    last = {name: at for name, (_, at) in picture.done.items()}
    captions = [each for each in picture.standing if each.stage == "captions"]
    analysis = [each for each in picture.standing if each.stage == "analysis"]
    return (
        _discover(picture, watch, done.get("discover"), last.get("discover")),
        _videos(
            Stage("captions", in_work=in_flight, done_today=done.get("captions")),
            captions,
            last.get("captions"),
        ),
        _videos(
            Stage("analysis", in_work=_videos_in(analysis, _ASKED), done_today=done.get("analysis")),
            [each for each in analysis if each.waits_for not in _ASKED],
            last.get("analysis"),
        ),
        Stage(
            "signals",
            waiting=to_publish,
            done_today=done.get("signals"),
            failed=picture.dead_by_handler.get("publish_signals", 0),
            last_moved=last.get("signals"),
        ),
        Stage(
            "read-model",
            waiting=snapshot.behind,
            failed=picture.rejects,
            oldest=picture.published_at if snapshot.behind else None,
            last_moved=picture.published_at,
        ),
    )


def _videos_in(standing: Iterable[Standing], waits_for: Collection[str]) -> int:
    return sum(each.videos for each in standing if each.waits_for in waits_for)


def _videos(stage: Stage, standing: Sequence[Standing], last_moved: datetime | None) -> Stage:
    """The stage with its videos. A dead letter's do not wait for Earmark: they are counted as dead letters."""
    waiting = [each for each in standing if each.status != "failed" and each.waits_for != "dead_letter"]
    kinds: dict[str, int] = {}
    for each in waiting:
        kinds[each.waits_for or ""] = kinds.get(each.waits_for or "", 0) + each.videos
    return Stage(
        name=stage.name,
        waiting=sum(each.videos for each in waiting),
        in_work=stage.in_work,
        done_today=stage.done_today,
        failed=sum(each.videos for each in standing if each.status == "failed"),
        later=sum(each.later for each in waiting),
        oldest=min((each.oldest for each in waiting if each.oldest is not None), default=None),
        next_try_at=min((each.next_try_at for each in waiting if each.next_try_at is not None), default=None),
        last_moved=last_moved,
        waits_for=dict(sorted(kinds.items(), key=lambda kind: -kind[1])),
    )


def _discover(picture: Picture, watch: WatchState | None, done: int | None, last: datetime | None) -> Stage:
    seen = {} if watch is None else watch.channels
    unseen = [channel for channel in picture.channels if channel.channel_id not in seen]
    failing = [
        channel
        for channel in picture.channels
        if channel.channel_id in seen and seen[channel.channel_id].problem is not None
    ]
    return Stage(
        "discover",
        waiting=len(unseen),
        done_today=done,
        failed=len(failing),
        oldest=min((channel.followed_at for channel in unseen), default=None),
        last_moved=last,
    )


def lanes(picture: Picture, limits: Limits) -> tuple[LaneState, ...]:
    """Every lane, under the caps as they are set here."""
    charged = sum((row.charged_usd for row in picture.lanes), Decimal(0))
    of_replays = sum(replay.waiting for replay in replays(picture))
    found = []
    for row in picture.lanes:
        cap_usd = limits.lane_cap_usd(row.lane)
        waiting = [
            each
            for each in picture.standing
            if each.lane == row.lane
            and each.status == "captioned"
            and each.waits_for not in (*_ASKED, "dead_letter")
        ]
        found.append(
            LaneState(
                lane=row.lane,
                waiting=of_replays if row.lane == "replay" else sum(each.videos for each in waiting),
                in_work=row.in_work,
                done_today=row.done_today,
                charged_usd=row.charged_usd,
                cap_usd=cap_usd,
                left_usd=max(min(limits.cap_usd - charged, cap_usd - row.charged_usd), Decimal(0)),
            )
        )
    return tuple(found)


def replays(picture: Picture) -> tuple[ReplayState, ...]:
    """Those with requests that wait."""
    known = [
        ReplayState(
            replay_id=row.replay_id,
            prompt=row.prompt,
            started_at=row.started_at,
            requested=row.requested,
            completed=row.completed,
            failed=row.failed,
            charged_usd=row.charged_usd,
            max_usd=row.max_usd,
        )
        for row in picture.replays
    ]
    return tuple(replay for replay in known if replay.waiting > 0)
