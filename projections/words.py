"""What each column of the read model says, its unit, and what null means: one source for every relation that has it.

A name means the same wherever it stands; where a relation's column says more or other, `OF` has its words. The values of
an enum are the language's own: `_one_of` refuses words for others than those.
"""

from collections.abc import Mapping
from typing import Any, get_args

from projections import called, said
from streams.events import meanings
from streams.events.analyses import Action, AttemptOutcome
from streams.events.captions import CaptionsSource, FailureClass, Original
from streams.events.event import Lane
from streams.events.ledger import SettledOutcome
from streams.events.meanings import listed
from streams.events.prompts import Effort
from streams.events.signals import SIGNALS
from streams.events.videos import Origin, Precision


def _one_of(values: Any, meant: Mapping[str, str] | None = None) -> str:
    """The values of a Literal, each with what it means where it needs words. Raises ValueError where words and values differ."""
    names = get_args(values)
    if meant is None:
        return "one of " + ", ".join(names)
    if set(meant) != set(names):
        raise ValueError(f"words for {sorted(meant)}, values {sorted(names)}")
    return "; ".join(f"{name}: {meant[name]}" for name in names)


_LANE = _one_of(
    Lane,
    {
        "live": "asked as the video came out, and served first",
        "backfill": "any other video, served next",
        "replay": "history under another prompt, served after those",
        "evaluation": "gold videos, by earmark evaluate alone",
    },
)
_ORIGIN = _one_of(Origin, meanings.ORIGINS)
_CAUSE = listed(meanings.CAUSES)
_PRECISION = _one_of(
    Precision, {"second": "exact", "day": "only the date is known, and the time is 00:00 UTC"}
)

COLUMNS: Mapping[str, str] = {
    # What was said
    "mention_id": "the mention's id: the same in every analysis that finds the symbol's n-th mention in the video; null if rejected",
    "symbol": "the stock's symbol, in one spelling (BRK.B, SAP.DE)",
    "said_as": "the company's name or symbol as the captions spell it",
    "listed": "whether the symbol is in the operator's list; null: there is no list",
    "action": f"what the speaker does or would do: {listed(meanings.ACTIONS)}; null: the answer had none that can be used",
    "conviction": f"{meanings.CONVICTION}; null: the answer had none that can be used",
    "time_horizon": f"for how long the call is meant: {listed(meanings.HORIZONS)}",
    "quote": "the words spoken, as the transcript has them",
    "line": "the line of the transcript that the quote was found on, from 1; the answer's own where rejected",
    "start_ms": "start of the quoted words, in milliseconds from the start of the video; null if rejected",
    "end_ms": "end of the quoted words, in milliseconds from the start of the video; null if rejected",
    "ordinal": "the mention's place in its answer, from 1",
    "rejected": f"why the mention is not grounded: {listed(meanings.REJECTIONS)}; null: it is grounded",
    "direction": f"where the speaker sees the market going: {listed(meanings.DIRECTIONS)}; null: the analysis has no outlook",
    "reasoning": "why the speaker sees it so, in a sentence or two",
    "themes": "what the speaker dwells on",
    "risks": "what the speaker warns of",
    "summary": "the video in a few sentences",
    # The video and its channel
    "_video_number": "a number made of video_id, for Earmark's own use: it may change with any version",
    "video_id": "YouTube's id of the video",
    "video_title": "the video's title; null: not known yet",
    "video_url": "the video's address",
    "title": "the video's title, elsewhere video_title; null: not known yet",
    "url": "the video's address",
    "channel_id": "YouTube's id of the channel; null: not known yet",
    "channel_title": "the channel's title; null: not known yet",
    "handle": "the channel's @handle; null: it was not given",
    "published_at": "when the video aired, UTC; null: not known",
    "published_precision": f"how exact published_at is: {_PRECISION}; null: not known",
    "origin": f"how the video came in: {_ORIGIN}",
    "said_at": "when the call came out: published_at, or analysed_at where that is not known",
    "discovered_at": "when the video was first seen; null: that record is gone",
    "length_ms": "end of the last caption, in milliseconds from the start: about how long the video is; null: no captions",
    "mentions": "grounded mentions of the video's current analysis; null: it has none",
    # Captions
    "captions_id": "the captions' id: a video and a revision",
    "captions_revision": "the revision of the video's words, from 1",
    "captions_source": f"who wrote the captions: {_one_of(CaptionsSource)}",
    "captioned_at": "when the captions were taken; null: there are none",
    "language": "the captions' language, a BCP 47 code",
    "original": f"whether the captions are in the language that was spoken: {_one_of(Original)}",
    "words": "words in the captions",
    "segments": "timed lines in the captions",
    **said.COLUMNS,
    **called.COLUMNS,
    # Analyses
    "analysis_id": "the analysis's id: captions and a prompt; null: there is none",
    "attempt_id": "the claim under which Claude was called",
    "lane": f"the request's priority: {_LANE}",
    "replay_id": "the replay that asked; null: none did",
    "prompt_id": "the prompt's id: it follows from all that makes the prompt",
    "prompt": "the prompt's name",
    "model": "the model that was asked",
    "analysed_at": "when the answer was taken in; null: there is none",
    "partial": "whether the answer was cut: its whole mentions count until a whole answer exists",
    "is_current": "whether it is the video's current analysis: under the latest activation, then on the latest captions",
    "lines_version": "the version of how a transcript is cut into lines",
    "grounding_version": "the version of how quotes are looked up",
    "served_model": "the model that answered, as the response says; null: it does not",
    "response_id": "the provider's id of the response; null: it does not say",
    "inference_geo": "where the model ran, as the response says; null: it does not",
    "service_tier": "the provider's service tier, as the response says; null: it does not",
    "response_usage": "the usage as the response has it, JSON of no fixed shape; null: it has none",
    "activation": "the number of the activation, which grows",
    "previous": "the activation before; null: the first",
    # Money: US dollars, to the billionth
    "input_tokens": "tokens of the whole prompt, what was written to and read from the cache included; null: no bill is known",
    "output_tokens": "tokens of the answer; null: no bill is known",
    "cache_creation_input_tokens": "tokens of the prompt written to the provider's cache; null: no bill is known",
    "cache_read_input_tokens": "tokens of the prompt read from the provider's cache; null: no bill is known",
    "usd": "what the call is charged, in US dollars; all that was reserved where the bill is unknown",
    "day": "the UTC day on which the claim was appended, by the broker's clock",
    "attempt": "the how-many-th attempt it is, from 1",
    "max_tokens": "room for the answer, in tokens",
    "state": "billed, unknown (what was billed cannot be known), open (not settled yet) or not_called",
    "outcome": f"how the claim was settled: {_one_of(SettledOutcome)}; null: it is not",
    "failure": f"how the attempt failed: {_one_of(AttemptOutcome)}; null: it did not",
    "reason": "why, in words; null: there is nothing to say",
    "reserved_usd": "the worst case that was claimed, in US dollars",
    "billed_usd": "what was billed, in US dollars",
    "unknown_usd": "what stays charged because nobody knows the bill, in US dollars",
    "open_usd": "what open claims hold, in US dollars",
    "charged_usd": "billed, unknown and open together, in US dollars",
    "cap_usd": "the day's cap that was last claimed against, in US dollars",
    "left_usd": "what is left of the cap, in US dollars, never below 0",
    "claimed_at": "when the claim was appended, by the broker's clock",
    "deadline": "when an unsettled claim expires",
    "settled_at": "when the claim was settled, by the broker's clock; null: it is not",
    "retry_at": "when Claude may be asked again; null: no time was named",
    "attempts": "claims that were called, or may have been",
    "completed": "claims that ended with an answer",
    "unknown": "claims whose bill cannot be known",
    # The walk
    "status": "discovered, captioned, analysed or failed",
    "waits_for": "whom the video waits for: worker, captions, youtube, dead_letter, prompt, analyst, money, call, provider or answer; null: for nobody",
    "next_try_at": "when it is tried again; null: no time is set",
    "next_step": "what happens or is to be done next; null: nothing is",
    "share_usd": "what the lane may be charged on a day, in US dollars; null: the video waits in no lane",
    "revision": "the revision of the video's words, from 1",
    "source": f"who wrote the captions: {_one_of(CaptionsSource)}",
    "tries": "tries so far that said something of the video",
    "starts_at": "the start that was last announced for a video that has not aired; null: none was",
    # Prompts, replays, channels
    "name": "the prompt's name",
    "effort": f"how hard the model thinks: {_one_of(Effort)}",
    "schema_version": "the version of the answer's schema",
    "sample": "how many videos the replay takes at random; null: all",
    "seed": "what the sample is drawn by",
    "share": "the share of the day's cap that the replay may spend, 0 to 1",
    "max_usd": "what the replay may cost in all, in US dollars",
    "follow": "whether the replay takes videos that come later, too",
    "started_at": "when the replay was started",
    "cancelled_at": "when the replay was cancelled; null: it was not",
    "since": "videos from that time on; null: from the beginning",
    "following": "whether the channel is followed now",
    "followed_at": "when the channel was last followed",
    "unfollowed_at": "when the channel was last followed no more; null: never",
    # Signals
    "type": f"the signal: {', '.join(kind.__name__ for kind in SIGNALS)}",
    "subject_id": "the id of the mention or outlook whose revisions a subscriber compares",
    "cause": f"why it was published: {_CAUSE}",
    "changed": "the fields that differ from the state before; null: nothing was changed",
    # The log
    "topic": "the topic, without its prefix",
    "happened_at": "the time of the event itself, UTC",
    "log_partition": "the partition of the record in its topic",
    "log_offset": "the offset of the record in its partition",
    "from_partition": "the partition of the message that could not be handled",
    "from_offset": "the offset of the message that could not be handled",
    "key": "the message's key: the video in most topics; null: it had none, or none that is text",
    "handler": "what could not handle the message",
    "error": "why it could not",
    "next_offset": "the offset that is read next",
    "first_offset": "where the partition began when it was first read, 0 if nothing was gone",
    "is_final": "whether it failed for good, and none follows",
    "partitions": "partitions read",
    "records": "records read",
    "missing": "records that were gone before they were read",
    "last_event_at": "the time of the latest event, by its own clock; null: there is none",
    "last_record_at": "the time of the latest record, by the broker's clock",
    "rejects": "records that are no event this version can read",
    "snapshots": "snapshots that were kept when this one was published, the same in every row",
    "snapshot_bytes": "bytes of disk that they took, in two digits",
    # Questions
    "week": "the week's Monday, in UTC",
    "calls": "calls that stand",
    "channels": "channels that called it",
    "consensus": f"the action of more than half of the calls: {_one_of(Action)}; else mixed",
    **{action: f"calls to {action}" for action in get_args(Action)},
    "previous_action": f"what the channel said of the symbol before: {_one_of(Action)}; null: nothing",
    "previous_said_at": "when it said so; null: it never did",
    "turn": "first, repeat, reversal (between buy and sell or avoid) or change (any other)",
    "for_it": "channels that buy",
    "against_it": "channels that sell or avoid",
    "who_for": "the channels that buy, by title",
    "who_against": "the channels that sell or avoid, by title",
    "times": "how often it was rejected so",
    "last_analysed_at": "when it last was",
    "last_quote": "the words it was last rejected with",
    # Comparisons
    "videos": "videos that both prompts have analysed",
    "same": "mentions that are the same",
    "added": "mentions that b alone has",
    "change": "same, changed, added (b alone has it) or dropped (a alone has it)",
    "action_changed": "mentions whose action differs",
    "horizon_changed": "mentions whose time horizon differs",
    "conviction_changed": "mentions whose conviction differs",
}

OF: Mapping[str, Mapping[str, str]] = {
    **said.OF,
    "analyses": {
        "input_tokens": "tokens of the prompt that the provider's cache had no part in; null: no bill is known"
    },
    "attempts": {"captions_id": "the captions that were asked about; null: the request is gone"},
    "budget_days": {"charged_usd": "what is charged to the day, in US dollars: billed, unknown and open"},
    "caption_failures": {
        "failure": f"what the try says: {_one_of(FailureClass, meanings.CAPTION_FAILURES)}",
        "next_try_at": "when it is tried again; null: it was the last try",
    },
    "compare_channels": {
        "channel": "the channel's title; all: the last row, for all of them",
        "dropped": "mentions that a alone has",
    },
    "compare_mentions": {"changed": "the fields that differ between a and b"},
    "dead_letters": {"log_offset": "the letter's ID, which `earmark dead-letters` takes"},
    "mentions": {
        "url": "opens the video at the second of the quote",
        "action": f"what the speaker does or would do: {listed(meanings.ACTIONS)}",
        "conviction": meanings.CONVICTION,
        "paid": f"{meanings.PAID}: here it never is; null: the prompt does not ask",
        "mention_id": "the mention's id: the same in every analysis that finds the symbol's n-th mention in the video",
        "start_ms": "start of the quoted words, in milliseconds from the start of the video",
        "end_ms": "end of the quoted words, in milliseconds from the start of the video",
    },
    "channel_weeks": {"conviction": "the calls' mean conviction, 0 to 1"},
    "consensus_weeks": {"conviction": "the calls' mean conviction, 0 to 1"},
    "rejections": {"rejected": f"why: {listed(meanings.REJECTIONS)}"},
    "open_dead_letters": {"log_offset": "the letter's ID, which `earmark dead-letters` takes"},
    "outlooks": {"summary": "the video in a few sentences; empty: the answer had none"},
    "prompts": {
        "words": "what Claude is asked, word for word",
        "max_tokens": "the room for an answer, in tokens",
    },
    "signals": {
        "url": "opens the video at the second of the quote; null in an outlook",
        "revision": "grows with every signal of the same subject_id, not always by 1",
        "reason": f"why it was retracted: {listed(meanings.REASONS)}; null: it was not",
        "activation": "the number of the activation that made the analysis current",
        "symbol": "the stock's symbol; null in an outlook, as all of a mention is",
    },
    "videos": {"captions_id": "the latest captions' id; null: there are none"},
    "video_status": {"lane": f"the lane in which it waits for its analysis: {_LANE}; null: in none"},
}


def words_of(relation: str, column: str) -> str | None:
    """What a column says, or None where nobody has said it. A column of side a or b of a comparison is that side's."""
    if (own := OF.get(relation, {}).get(column)) is not None:
        return own
    side, _, name = column.partition("_")
    if side in ("a", "b") and (name in COLUMNS or name in _SIDES):
        return f"by prompt {side}: {_SIDES.get(name) or COLUMNS[name]}"
    return COLUMNS.get(column)


_SIDES = {
    "url": "opens the video at the second of the quote",
    "offset": "the offset of its analysis in the log",
    "rejected": "share of mentions that are not grounded, 0 to 1; null: there is none",
    "usd_per_video": "mean charge of a video, in US dollars",
}
