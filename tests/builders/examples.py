"""One event of every type, as Earmark would write it; a name with a dot is another form of a type."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from streams.events.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AttemptFailed,
    Dropped,
    Level,
    Mention,
    Outlook,
    ResponseInfo,
    mention_id,
)
from streams.events.captions import (
    CaptionsExtracted,
    CaptionsRequested,
    CaptionsUnavailable,
    captions_id,
)
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
from streams.events.event import Event, Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    Usage,
    analysis_id,
    request_id,
)
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    MentionState,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
    OutlookState,
    SignalAnalysis,
    SignalVideo,
    outlook_id,
    url_at,
)
from streams.events.videos import Video, VideoDiscovered

AT = datetime(2026, 11, 22, 14, 30, 5, 250_000, tzinfo=UTC)
CHANNEL = "UCaaaaaaaaaaaaaaaaaaaaaa"
VIDEO = Video(
    video_id="vvvvvvvvvvv",
    url="https://www.youtube.com/watch?v=vvvvvvvvvvv",
    channel_id=CHANNEL,
    channel_title="Señor Market, täglich",
    title="Three stocks I'd buy, and one I would not 📉",
    published_at=datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
    published_precision="second",
    origin="poll",
)
PROMPT = Prompt(
    name="extract-v1",
    model="claude-haiku-5-5",
    max_tokens=4096,
    effort="low",
    words="List every stock call.\nQuote it.",
    schema_version=1,
)
CAPTIONS = captions_id(VIDEO.video_id, 1)
CAPTIONS_AT = Position(partition=3, offset=41)
ANALYSIS = analysis_id(CAPTIONS, PROMPT.prompt_id)
REQUEST = request_id(CAPTIONS, None, None)
ATTEMPT = UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a01")
REPLAY = UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a02")
USAGE = Usage(input_tokens=1200, output_tokens=640, cache_read_input_tokens=700)

RESPONSE = ResponseInfo(
    id="msg_01",
    model="claude-haiku-5-5-20261001",
    stop_reason="max_tokens",
    inference_geo="us",
    service_tier="standard",
    usage='{"input_tokens": 1200, "output_tokens": 640, "cache_read_input_tokens": 700, "inference_geo": "us"}',
)

GROUNDED = Mention(
    mention_id=mention_id(VIDEO.video_id, "PLTR", 0),
    symbol="PLTR",
    said_as="palanteer",
    listed=True,
    action="buy",
    conviction=0.85,
    time_horizon="months",
    quote="i'm adding to palanteer here",
    line=12,
    start_ms=83_000,
    end_ms=86_400,
    rejected=None,
    match="exact",
    condition="if it comes back to the low one-twenties",
    levels=(
        Level(
            kind="entry",
            value=Decimal(120),
            value_to=Decimal(123),
            unit="USD",
            words="the low one-twenties",
        ),
        Level(
            kind="target",
            value=Decimal("12.5"),
            value_to=None,
            unit="percent",
            words="twelve and a half percent",
        ),
    ),
    speaker="host",
    position="holds",
    paid=False,
    expires="by friday's earnings",
    dropped=(Dropped(part="level", reason="another_number", words="the stop is at ninety"),),
)
REJECTED = Mention(
    mention_id=None,
    symbol="NVDA",
    said_as="in video",
    listed=True,
    action="hold",
    conviction=0.5,
    time_horizon="unspecified",
    quote="nobody said these words",
    line=99,
    start_ms=None,
    end_ms=None,
    rejected="quote_not_in_transcript",
)
UNUSABLE = REJECTED.model_copy(
    update={"action": None, "conviction": None, "line": None, "rejected": "action_unknown"}
)

_STATE = MentionState(
    symbol="PLTR",
    said_as="palanteer",
    listed=True,
    action="buy",
    conviction=0.85,
    time_horizon="months",
    quote="i'm adding to palanteer here",
    start_ms=83_000,
    end_ms=86_400,
    url=url_at(VIDEO.url, 83_000),
    **{
        name: getattr(GROUNDED, name)
        for name in ("match", "condition", "levels", "speaker", "position", "paid", "expires", "dropped")
    },
)
_VIEW = OutlookState(
    direction="bullish",
    reasoning="rates come down",
    themes=("rate cuts",),
    risks=("inflation",),
    summary="He adds to one name.",
)
_SIGNAL = {
    "at": AT,
    "cause": "live",
    "activation": 1,
    "video": SignalVideo(
        video_id=VIDEO.video_id,
        title=VIDEO.title,
        channel_id=CHANNEL,
        channel_title=VIDEO.channel_title,
        published_at=VIDEO.published_at,
        published_precision=VIDEO.published_precision,
    ),
    "analysis": SignalAnalysis(
        analysis_id=ANALYSIS, prompt=PROMPT.name, prompt_id=PROMPT.prompt_id, model=PROMPT.model
    ),
}
_MENTION = {**_SIGNAL, "mention_id": GROUNDED.mention_id, "mention": _STATE}
_OUTLOOK = {**_SIGNAL, "outlook_id": outlook_id(VIDEO.video_id), "outlook": _VIEW}
_FAILURE = {
    "at": AT,
    "analysis_id": ANALYSIS,
    "video": VIDEO,
    "captions_id": CAPTIONS,
    "lane": "live",
    "replay_id": None,
    "prompt_id": PROMPT.prompt_id,
    "model": PROMPT.model,
}

_ANALYSIS = AnalysisCompleted(
    at=AT,
    analysis_id=ANALYSIS,
    attempt_id=ATTEMPT,
    video=VIDEO,
    captions_id=CAPTIONS,
    captions_revision=1,
    captions_at=CAPTIONS_AT,
    lane="live",
    replay_id=None,
    prompt_id=PROMPT.prompt_id,
    prompt=PROMPT.name,
    model=PROMPT.model,
    lines_version=1,
    grounding_version=1,
    raw_answer='{"summary": "He adds to one name."}',
    usage=USAGE,
    usd=Decimal("0.000447000"),
    outlook=Outlook(direction="bullish", reasoning="rates come down"),
    themes=("rate cuts",),
    risks=("inflation",),
    summary="He adds to one name.",
    mentions=(GROUNDED, REJECTED),
)

_EVENTS: tuple[Event, ...] = (
    ChannelFollowed(
        at=AT, channel_id=CHANNEL, handle="@senormarket", title="Señor Market", since=AT - timedelta(days=30)
    ),
    ChannelScanned(at=AT, channel_id=CHANNEL, tab="videos", since=AT - timedelta(days=30), complete=True),
    ChannelUnfollowed(at=AT, channel_id=CHANNEL),
    VideoDiscovered(at=AT, video=VIDEO),
    CaptionsRequested(at=AT, video=VIDEO, revision=1, attempt=2, tries=1, cause="retry"),
    CaptionsExtracted(
        at=AT,
        video=VIDEO,
        captions_id=CAPTIONS,
        revision=1,
        attempt=2,
        source="captions_auto",
        language="en",
        original="yes",
        texts=("so today", "i'm adding to palanteer here"),
        starts_ms=(80_000, 83_000),
        ends_ms=(83_000, 86_400),
        words=7,
    ),
    CaptionsUnavailable(
        at=AT,
        video=VIDEO,
        revision=1,
        attempt=1,
        tries=1,
        reason="no captions yet",
        failure="later",
        starts_at=None,
        next_try_at=AT + timedelta(hours=1),
    ),
    AnalysisRequested(
        at=AT,
        request_id=REQUEST,
        video_id=VIDEO.video_id,
        captions_id=CAPTIONS,
        captions_at=CAPTIONS_AT,
        lane="live",
        prompt_id=None,
        replay_id=None,
    ),
    BudgetReserved(
        at=AT,
        attempt_id=ATTEMPT,
        request_id=REQUEST,
        analysis_id=ANALYSIS,
        prompt_id=PROMPT.prompt_id,
        model=PROMPT.model,
        max_tokens=PROMPT.max_tokens,
        attempt=1,
        lane="live",
        replay_id=None,
        usd=Decimal("0.002298125"),
        cap_usd=Decimal(5),
        lane_cap_usd=Decimal(5),
        hold_s=150,
    ),
    BudgetSettled(
        at=AT,
        attempt_id=ATTEMPT,
        analysis_id=ANALYSIS,
        outcome="completed",
        usd=Decimal("0.000447000"),
        usage=USAGE,
        retry_at=None,
        granted=True,
    ),
    ReplayStarted(
        at=AT,
        replay_id=REPLAY,
        prompt_id=PROMPT.prompt_id,
        filter=ReplayFilter(since=AT - timedelta(days=365), sample=200),
        seed=7,
        share=0.5,
        max_usd=Decimal("2.50"),
        follow=True,
        captions_ends=(4, 0, 7),
    ),
    ReplayCancelled(at=AT, replay_id=REPLAY),
    _ANALYSIS,
    AttemptFailed(
        **_FAILURE,
        attempt_id=ATTEMPT,
        outcome="max_tokens",
        reason="the answer was cut at 4096 tokens",
        raw_answer='{"summary": "He ad',
        usage=USAGE,
        usd=Decimal("0.000447000"),
        response=RESPONSE,
    ),
    AnalysisFailed(
        **_FAILURE,
        attempt_id=None,
        outcome="over_cap",
        reason="the prompt costs more than any day's cap",
        raw_answer=None,
        usage=None,
        usd=Decimal(0),
    ),
    TranscriptGiven(
        at=AT,
        video=VIDEO.model_copy(update={"video_id": f"gold:{VIDEO.video_id}"}),
        captions_id=CAPTIONS,
        revision=1,
        attempt=1,
        source="captions_manual",
        language="und",
        texts=("we bought it",),
        starts_ms=(0,),
        ends_ms=(2000,),
        words=3,
    ),
    EvaluationAttempted(
        at=AT,
        analysis_id=ANALYSIS,
        attempt_id=ATTEMPT,
        video_id=f"gold:{VIDEO.video_id}",
        captions_id=CAPTIONS,
        prompt_id=PROMPT.prompt_id,
        model=PROMPT.model,
        outcome="completed",
        final=True,
        reason=None,
        raw_answer='{"summary": "He adds."}',
        usage=USAGE,
        usd=Decimal("0.000447000"),
        response=RESPONSE,
    ),
    PromptRegistered(at=AT, prompt_id=PROMPT.prompt_id, prompt=PROMPT),
    PromptActivated(at=AT, prompt_id=PROMPT.prompt_id, previous=None),
    MentionAdded(**_MENTION, revision=1),
    MentionChanged(
        **_MENTION,
        revision=2,
        previous=_STATE.model_copy(update={"action": "watch"}),
        changed=("action",),
    ),
    MentionRetracted(**_MENTION, revision=3, previous=_STATE, reason="not_mentioned"),
    OutlookAdded(**_OUTLOOK, revision=1),
    OutlookChanged(
        **_OUTLOOK,
        revision=2,
        previous=_VIEW.model_copy(update={"direction": "mixed"}),
        changed=("direction",),
    ),
    OutlookRetracted(**_OUTLOOK, revision=3, previous=_VIEW, reason="not_mentioned"),
    DeadLettered.of(
        at=AT,
        topic="videos",
        partition=3,
        offset=17,
        key=b"vvvvvvvvvvv",
        value=b"\xff not JSON",
        headers=[("ce_type", b"VideoDiscovered"), ("ce_source", None)],
        handler="extract_captions",
        error="BrokenBodyError: VideoDiscovered: no ce_time",
        attempt=1,
    ),
    DeadLetterRetried(at=AT, letter=4, partition=3, offset=21),
)

EXAMPLES: dict[str, Event] = {type(event).__name__: event for event in _EVENTS} | {
    "EvaluationAttempted.unanswered": next(
        e for e in _EVENTS if isinstance(e, EvaluationAttempted)
    ).model_copy(
        update={
            "attempt_id": UUID(int=14),
            "outcome": "unknown",
            "final": False,
            "reason": "no answer came",
            "raw_answer": None,
            "usage": None,
            "response": None,
            "unanswered": True,
        }
    ),
    "AnalysisCompleted.partial": _ANALYSIS.model_copy(
        update={
            "attempt_id": UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a05"),
            "raw_answer": '{"mentions": [{"symbol": "PLTR", "li',
            "usage": None,
            "usd": Decimal("0.002298125"),
            "outlook": None,
            "themes": (),
            "risks": (),
            "summary": None,
            "mentions": (UNUSABLE,),
            "partial": True,
            "response": RESPONSE.model_copy(update={"usage": None}),
        }
    ),
    "PromptActivated.marker": PromptActivated(
        at=AT, prompt_id=PROMPT.prompt_id, previous=None, activation=1, partition=4
    ),
    "CaptionsUnavailable.final": CaptionsUnavailable(
        at=AT,
        video=Video(video_id="uuuuuuuuuuu", url="https://youtu.be/uuuuuuuuuuu", origin="asked"),
        revision=1,
        attempt=1,
        tries=1,
        reason="the video is private",
        failure="permanent",
        starts_at=None,
        next_try_at=None,
    ),
    "CaptionsUnavailable.not_yet": CaptionsUnavailable(
        at=AT,
        video=VIDEO,
        revision=1,
        attempt=2,
        tries=0,
        reason="Premieres in 3 hours",
        failure="not_yet",
        starts_at=AT + timedelta(hours=3),
        next_try_at=AT + timedelta(hours=4, minutes=15),
    ),
    "CaptionsRequested.starts_at": CaptionsRequested(
        at=AT, video=VIDEO, revision=1, attempt=3, tries=0, starts_at=AT + timedelta(hours=3), cause="retry"
    ),
    "AnalysisRequested.again": AnalysisRequested(
        at=AT,
        request_id=request_id(CAPTIONS, None, None, 1),
        video_id=VIDEO.video_id,
        captions_id=CAPTIONS,
        captions_at=CAPTIONS_AT,
        lane="backfill",
        prompt_id=None,
        replay_id=None,
        again=1,
    ),
    "BudgetSettled.unanswered": BudgetSettled(
        at=AT,
        attempt_id=UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a05"),
        analysis_id=ANALYSIS,
        outcome="not_called",
        usd=Decimal("0.001200000"),
        usage=None,
        retry_at=AT + timedelta(seconds=30),
        granted=True,
        unanswered=True,
    ),
    "AttemptFailed.unanswered": AttemptFailed(
        **_FAILURE,
        attempt_id=UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a05"),
        outcome="provider_error",
        reason="500 api_error: Internal server error",
        raw_answer=None,
        usage=None,
        usd=Decimal("0.001200000"),
        unanswered=True,
    ),
    "ReplayCancelled.reason": ReplayCancelled(
        at=AT,
        replay_id=UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a06"),
        reason="404 not_found_error: model: claude-haiku-3",
    ),
    "ReplayStarted.since_typed": ReplayStarted(
        at=AT,
        replay_id=UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a03"),
        prompt_id=PROMPT.prompt_id,
        filter=ReplayFilter(since=datetime(2026, 10, 23, tzinfo=UTC)),
        seed=0,
        share=0.5,
        max_usd=Decimal(1),
        follow=False,
        captions_ends=(4, 0, 7),
        since_typed="30d",
    ),
    "ReplayStarted.resumes": ReplayStarted(
        at=AT,
        replay_id=UUID("5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a04"),
        prompt_id=PROMPT.prompt_id,
        filter=ReplayFilter(),
        seed=0,
        share=0.5,
        max_usd=Decimal("0.75"),
        follow=False,
        captions_ends=(4, 0, 7),
        resumes=REPLAY,
    ),
}

# What an older Earmark wrote and none writes any more: these files are read, and never written anew.
OLDER: dict[str, Event] = {
    "BudgetSettled.without_granted": BudgetSettled(
        at=AT,
        attempt_id=ATTEMPT,
        analysis_id=ANALYSIS,
        outcome="completed",
        usd=Decimal("0.000447000"),
        usage=USAGE,
        retry_at=None,
    ),
    # Version 1 had no `tries`: each attempt was one.
    "CaptionsUnavailable": EXAMPLES["CaptionsUnavailable"].model_copy(
        update={"video": VIDEO.model_copy(update={"published_precision": None})}
    ),
    "CaptionsUnavailable.final": EXAMPLES["CaptionsUnavailable.final"],
}
