"""A home whose read model has a row for everything that a page can show, and what strangers say to break a page.

Beside the videos of `large_model.py`, one whose every text is hostile for each of HOSTILE, one with 400 mentions, one
without captions, one whose analysis failed. All of it goes in as events, through the projector's own way.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid5

from projections import model
from projections.ingest import apply
from projections.snapshots import Snapshots
from projections.transcripts_file import Transcripts
from projections.web import forms
from projections.web.forms import address
from projections.web.page import Lag, LaneNow, MoneyNow, Outside
from projections.web.render import PATHS
from streams.events.analyses import AnalysisCompleted, Dropped, Level, Mention, Outlook, mention_id
from streams.events.channels import ChannelFollowed
from streams.events.dead_letters import DeadLettered
from streams.events.event import LANES, NAMESPACE, Event
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.signals import MentionAdded, MentionChanged, MentionRetracted
from streams.events.videos import Video, VideoDiscovered
from streams.log.topics import ANALYSES, CAPTIONS
from tests.builders.large_model import fill
from tests.builders.read_model_world import (
    PROMPTS,
    START,
    at,
    completed,
    extracted,
    failed,
    record,
    requested,
    reserved,
    settled,
    signals,
    unavailable,
)

NOW = START + timedelta(hours=6)
LEAK = "leak.invalid"
"""What asks for anything there has left the page."""
HOSTILE = (
    f"<script src=//{LEAK}/s.js></script><script>document.title='taken'</script>",
    f"\"><img src=//{LEAK}/i.png onerror=document.title='taken'>",
    f"'><style>@import '//{LEAK}/c.css';*{{display:none}}</style></td></table></main>",
    f"javascript:fetch('//{LEAK}/')//",
    f"</title><meta http-equiv=refresh content='0;url=//{LEAK}/'>",
    "{{7*7}}{% raw %}${7*7}#{7*7}",
    "abc\u202egnp.exe\u2066isolated\u200f",
    "NUL\x00 BEL\x07 ESC\x1b[31m DEL\x7f",
    "W" * 10_000,
    "\u0e49" * 400 + "\U0001f469\u200d\U0001f469\u200d\U0001f467 \u05d0\u05d1\u05d2 \u0627\u0644",
    "../..?a=b&c=d#e%00%2f%",
    "",
)
MANY = 400
MANY_MENTIONS = "many-mentions"
NO_CAPTIONS, FAILED, WAITS = "no-captions", "failed-for-good", "waits"
CHANNEL, SYMBOL = "channel-1", "NVDA"
# Behind all that `large_model` says it has read.
_OFFSET = 1_000_000
_URL = "https://www.youtube.com/watch?v="


def dashboard_home(home: Path, videos: int = 60) -> None:
    """Make such a home, with so many ordinary videos beside the others."""
    model.folder(home).mkdir(parents=True)
    file = model.generation_file(home, 1)
    database = model.create(file)
    fill(database, videos)
    records = [record(event, _OFFSET + number) for number, event in enumerate(_events())]
    apply(database, records)
    rejected = database.execute("SELECT type, reason FROM _rejects").fetchall()
    assert rejected == [], rejected
    snapshots = Snapshots(home, file)
    snapshots.publish(database)
    database.close()
    snapshots.close()
    words = Transcripts(home)
    words.take([each for each in records if each.topic == CAPTIONS.name])
    words.publish(at_once=True)
    words.close()


def outside() -> Outside:
    """What an overview says, hostile words among it."""
    return Outside(
        at=NOW,
        needs=HOSTILE[:2],
        troubles=HOSTILE[2:4],
        money=MoneyNow(Decimal("1.25"), Decimal(5), Decimal("0.5"), NOW + timedelta(hours=7.5)),
        lanes=tuple(LaneNow(lane, 3, 2, 1, Decimal("0.25"), Decimal(2)) for lane in LANES[:3]),
        lags=(Lag("projector", 3, 0), Lag(HOSTILE[0], None, None)),
        unknown=HOSTILE[4:6],
    )


def addresses() -> dict[str, tuple[str, ...]]:
    """By the name of a page, addresses that show all it can show, the fullest first; hostile words are among what is typed."""
    return {
        "calls": (
            PATHS["calls"],
            address(PATHS["calls"], rejected=1, words=HOSTILE[0]),
            address(PATHS["calls"], words=HOSTILE[8][: forms.LONGEST]),
            address(
                PATHS["calls"], symbol=HOSTILE[1], channel=HOSTILE[3], action=("buy", "sell"), conviction=0.1
            ),
            address(PATHS["calls"], number=2, live=3000),
        ),
        "video": (
            address(PATHS["video"], _video(0).video_id),
            address(PATHS["video"], MANY_MENTIONS),
            *(address(PATHS["video"], _video(number).video_id) for number in (1, 8, 9)),
            *(address(PATHS["video"], name) for name in (NO_CAPTIONS, FAILED, WAITS)),
        ),
        "search": (
            address(PATHS["search"], q="buying"),
            address(PATHS["search"], q=HOSTILE[0], channel=HOSTILE[1]),
            address(PATHS["search"], q=HOSTILE[8][: forms.LONGEST]),
            address(PATHS["search"], q="script", since="2026-01-01"),
            PATHS["search"],
        ),
        "symbol": (
            address(PATHS["symbol"], SYMBOL),
            address(PATHS["symbol"], SYMBOL, window="7d", channel=HOSTILE[1]),
            address(PATHS["symbol"], "PLTR"),
        ),
        "channel": (
            address(PATHS["channel"], CHANNEL),
            *(address(PATHS["channel"], _video(number).channel_id or "") for number in (0, 3, 8, 9, 10)),
        ),
        "consensus": (PATHS["consensus"], address(PATHS["consensus"], window="7d", channels=2)),
        "prompts": (
            address(PATHS["prompts"], a="hostile", b="first"),
            address(PATHS["prompts"], a="now", b="candidate"),
            PATHS["prompts"],
        ),
        "operations": (PATHS["operations"],),
    }


def shown() -> dict[str, dict[str, tuple[str, ...]]]:
    """By the name of a page, what strangers said that stands on it at an address."""
    videos = {
        address(PATHS["video"], _video(number).video_id): (word,) for number, word in enumerate(HOSTILE)
    }
    return {
        "calls": {address(PATHS["calls"], rejected=1): HOSTILE},
        "video": videos | {address(PATHS["video"], NO_CAPTIONS): HOSTILE[1:3]},
        "search": {
            address(PATHS["search"], q=word): (word,) for word in (HOSTILE[0], HOSTILE[5], HOSTILE[6])
        },
        "symbol": {address(PATHS["symbol"], SYMBOL): HOSTILE[:1]},
        "channel": {
            address(PATHS["channel"], _video(number).channel_id or ""): (HOSTILE[number],)
            for number in range(len(HOSTILE))
        },
        "consensus": {PATHS["consensus"]: HOSTILE[10:]},
        "prompts": {address(PATHS["prompts"], a="hostile", b="first"): HOSTILE[:8]},
        "operations": {PATHS["operations"]: HOSTILE[:6]},
    }


def problems() -> dict[str, int]:
    """Addresses that show no page of theirs, with the status of what they show."""
    calls = PATHS["calls"]
    return {
        "/nothing": 404,
        f"/{quote(HOSTILE[0])}": 404,
        address(calls, action=HOSTILE[1]): 400,
        address(calls, conviction=HOSTILE[7]): 400,
        address(calls, words=HOSTILE[8][:7000]): 400,
        **{
            address(PATHS[page], word): 404
            for page in ("video", "channel")
            for word in (HOSTILE[0], HOSTILE[3], HOSTILE[7])
        },
    }


def _video(number: int) -> Video:
    """The video of HOSTILE[number]: its id too, for nobody says what letters one has."""
    word = HOSTILE[number]
    name = f"hostile-{number}-{word[:60]}"
    return Video(
        video_id=name,
        url=word if word.startswith("javascript:") else f"{_URL}{name}",
        channel_id=f"hostile-channel-{word[:60]}",
        channel_title=word,
        title=word,
        published_at=at(number),
        published_precision="second",
        origin="poll",
    )


def _named(name: str, **known: object) -> Video:
    return Video.model_validate(
        {
            "video_id": name,
            "url": f"{_URL}{name}",
            "channel_id": CHANNEL,
            "channel_title": "The Channel",
            "title": f"Of {name}",
            "published_at": at(30),
            "published_precision": "second",
            "origin": "poll",
            **known,
        }
    )


def _events() -> Iterator[Event]:
    prompt = Prompt(
        name="hostile",
        model=HOSTILE[0],
        max_tokens=100,
        effort="low",
        words="\n".join(HOSTILE),
        schema_version=1,
    )
    yield ChannelFollowed(at=at(0), channel_id=CHANNEL, handle="@channel", title="The Channel", since=None)
    for each in (*PROMPTS, prompt):
        yield PromptRegistered(at=at(0), prompt_id=each.prompt_id, prompt=each)
    yield PromptActivated(at=at(0), prompt_id=prompt.prompt_id, previous=4)
    for partition in range(ANALYSES.partitions):
        yield PromptActivated(
            at=at(0), prompt_id=prompt.prompt_id, previous=4, activation=_OFFSET, partition=partition
        )
    for number in range(len(HOSTILE)):
        yield from _hostile(number, prompt)
    yield from _heard(
        _named(MANY_MENTIONS, published_at=at(-60)),
        prompt,
        [
            _mention(
                MANY_MENTIONS,
                SYMBOL if number % 3 else f"SYM{number % 60}",
                f"I am buying more than {number} of it",
                number,
            )
            for number in range(MANY)
        ],
        "Spoken",
    )
    yield from _trouble(prompt)


def _hostile(number: int, prompt: Prompt) -> Iterator[Event]:
    word, video = HOSTILE[number], _video(number)
    yield ChannelFollowed(at=at(0), channel_id=video.channel_id or "", handle=word, title=word, since=None)
    # A symbol that is published is short, one that is rejected is whatever the model said.
    grounded = _mention(video.video_id, word[:20] or "X", word, 0).model_copy(
        update={
            "said_as": word,
            "condition": word,
            "expires": word,
            "speaker": "guest",
            "levels": (Level(kind="entry", value=Decimal(1), value_to=None, unit="USD", words=word),),
            "dropped": (Dropped(part="condition", reason="not_near_the_quote", words=word),),
        }
    )
    rejected = grounded.model_copy(
        update={
            "symbol": word,
            "mention_id": None,
            "start_ms": None,
            "end_ms": None,
            "rejected": "quote_not_in_transcript",
        }
    )
    both = [
        # By turns a buy and a sell, so that channels contradict each other.
        _mention(video.video_id, SYMBOL, word, number % 2),
        _mention(video.video_id, "PLTR", word, 2).model_copy(update={"paid": True}),
    ]
    yield from _heard(video, prompt, [grounded, rejected, *both], word)


def _heard(video: Video, prompt: Prompt, mentions: list[Mention], word: str) -> Iterator[Event]:
    """A video from its discovery to its signals, one of them changed and one retracted."""
    yield VideoDiscovered(at=at(40), video=video)
    said = [word or "nothing", *(mention.quote for mention in mentions)]
    captions = extracted(video).model_copy(
        update={
            "video": video,
            "texts": tuple(said),
            "starts_ms": tuple(1_000 * line for line in range(len(said))),
            "ends_ms": tuple(1_000 * line + 900 for line in range(len(said))),
        }
    )
    yield captions
    request = requested(video)
    yield request
    attempt = uuid5(NAMESPACE, f"attempt {video.video_id}")
    claim = reserved(request, prompt, attempt, usd="0.25")
    yield claim
    answer = completed(video, prompt, attempt).model_copy(
        update={
            "video": video,
            "prompt": word or prompt.name,
            "outlook": Outlook(direction="mixed", reasoning=word),
            "themes": (word,) * 3,
            "risks": (word,) * 3,
            "summary": word,
            "mentions": tuple(mentions),
        }
    )
    yield answer
    yield settled(claim, "completed", "0.0045", answer.usage)
    yield from _published(answer)


def _published(answer: AnalysisCompleted) -> Iterator[Event]:
    added = signals(answer)
    yield from added
    first = next(each for each in added if isinstance(each, MentionAdded))
    frame = {name: getattr(first, name) for name in ("activation", "video", "analysis", "mention_id")}
    changed = first.mention.model_copy(update={"conviction": 0.95, "action": "sell"})
    yield MentionChanged(
        at=at(50),
        revision=2,
        cause="correction",
        mention=changed,
        previous=first.mention,
        changed=("action", "conviction"),
        **frame,
    )
    yield MentionRetracted(
        at=at(51),
        revision=3,
        cause="correction",
        mention=changed,
        previous=changed,
        reason="not_mentioned",
        **frame,
    )


def _mention(video_id: str, symbol: str, quote: str, number: int) -> Mention:
    action = ("buy", "sell", "hold", "watch", "avoid")[number % 5]
    return Mention(
        mention_id=mention_id(video_id, symbol, number),
        symbol=symbol,
        said_as=symbol,
        listed=None,
        action=cast(Any, action),
        conviction=number % 21 / 20,
        time_horizon="unspecified",
        quote=quote,
        line=number + 1,
        start_ms=1_000 * (number + 1),
        end_ms=1_000 * (number + 1) + 900,
        rejected=None,
    )


def _trouble(prompt: Prompt) -> Iterator[Event]:
    """What did not go well, for hostile reasons."""
    deaf = _named(NO_CAPTIONS, title=HOSTILE[1])
    yield VideoDiscovered(at=at(40), video=deaf)
    for attempt, next_try in ((1, at(90)), (2, at(400))):
        yield unavailable(deaf, attempt, next_try).model_copy(
            update={"video": deaf, "reason": HOSTILE[attempt]}
        )
    broken = _named(FAILED)
    yield VideoDiscovered(at=at(40), video=broken)
    yield extracted(broken)
    request = requested(broken)
    yield request
    claim = reserved(request, prompt, uuid5(NAMESPACE, "attempt"))
    yield claim
    yield failed(broken, prompt, claim.attempt_id, final=True).model_copy(update={"reason": HOSTILE[8]})
    yield settled(claim, "failed", "0.5")
    waits = _named(WAITS, title=None, channel_title=None, published_at=None, published_precision=None)
    yield VideoDiscovered(at=at(41), video=waits)
    yield DeadLettered.of(
        at=at(45),
        topic=HOSTILE[0],
        partition=0,
        offset=7,
        key=b"\xff",
        value=b"\xff\x00",
        headers=(),
        handler=HOSTILE[1],
        error=HOSTILE[8],
        attempt=1,
    )
