"""What each value of the language means: one text for the contract, the bundled prompt and the read model's comments."""

from collections.abc import Mapping
from typing import Any

from streams.events.analyses import (
    Action,
    Direction,
    Holding,
    LevelKind,
    Match,
    Rejection,
    Speaker,
    TimeHorizon,
    Unit,
)

ACTIONS: Mapping[Action, str] = {
    "buy": "open or add",
    "sell": "close or reduce, or a short",
    "hold": "keep, do nothing",
    "watch": "may act later",
    "avoid": "stay away",
}
HORIZONS: Mapping[TimeHorizon, str] = {
    "intraday": "the same day",
    "days": "up to two weeks",
    "weeks": "up to two months",
    "months": "up to a year",
    "years": "longer",
    "unspecified": "they do not say",
}
DIRECTIONS: Mapping[Direction, str] = {
    "bullish": "up",
    "bearish": "down",
    "neutral": "neither, or not spoken of",
    "mixed": "near and far, or two speakers, disagree",
}
CONVICTION = (
    "how sure the speaker sounds, 0 to 1 in steps of 0.05: 0.25 a thought in passing, 0.5 an opinion with reasons for and"
    " against, 0.75 a decision, 0.9 and more only where they have acted on it themselves"
)
LEVEL_KINDS: Mapping[LevelKind, str] = {
    "entry": "where to get in",
    "target": "what to reach",
    "stop": "where to get out because the call was wrong",
}
UNITS: Mapping[Unit, str] = {
    "USD": "US dollars, also where no currency is named",
    "EUR": "euros",
    "percent": "of the price at that time",
    "points": "of an index",
}
SPEAKERS: Mapping[Speaker, str] = {
    "host": "whose video it is",
    "guest": "somebody else who speaks in it",
    "relayed": "somebody who does not speak here: a friend, a fund, an analyst, the crowd",
    "unknown": "it cannot be told",
}
POSITIONS: Mapping[Holding, str] = {
    "holds": "they are in it now",
    "sold": "they were and are out",
    "none_said": "they do not say",
}
CONDITION = (
    "what the call hangs on and has not come yet, in the speaker's words; null where it hangs on nothing"
)
EXPIRES = "until when the call is good, in the speaker's words; null where they do not say"
PAID = "whether the words around it are a sponsor's message"
MATCHES: Mapping[Match, str] = {
    "exact": "word for word, near the line that the model named",
    "fillers": "but for fillers and words said twice, which the model left out",
    "numbers": "but for a number that the model wrote otherwise",
    "elsewhere": "word for word, at the only place there is, far from the line that the model named",
}
REJECTIONS: Mapping[Rejection, str] = {
    "symbol_unusable": "the symbol is none",
    "action_unknown": "the action is none of ours",
    "conviction_unusable": "the conviction is no number of the answer's scale",
    "line_unusable": "the line is no number",
    "quote_too_short": "the quote has fewer than three words",
    "quote_not_in_transcript": "nobody said it in these words",
    "quote_far_from_line": "it was said, but far from the line that the model named",
    "repeated": "another mention of the answer has the same words",
    "contradicts_itself": "another mention of the answer has the same words and another action",
}
DROPS: Mapping[str, str] = {
    "not_near_the_quote": "the transcript does not say it near the quote",
    "number_unread": "no number can be read in the transcript's words",
    "another_number": "the transcript says another number",
    "unusable": "it is no kind, number or unit of ours",
    "instruction": "the quote tells a model what to answer",
}

ORIGINS: Mapping[str, str] = {
    "poll": "published after its channel was followed",
    "backfill": "older, or found for --since",
    "asked": "by `earmark add`",
}
CAPTION_FAILURES: Mapping[str, str] = {
    "permanent": "there will never be captions",
    "slow": "the video is closed, and may open",
    "later": "the video is not ready",
    "unknown": "a sentence nobody knows yet",
    "not_yet": "it has not aired or is on air",
    "soon": "YouTube refuses, so nothing is known of the video",
}

CAUSES: Mapping[str, str] = {
    "live": "the first analysis of a video published while its channel was followed",
    "backfill": "the first of any other video",
    "activation": "another prompt became active",
    "correction": "the captions were corrected, or an answer that was cut short is whole now",
}
REASONS: Mapping[str, str] = {
    "not_mentioned": "the analysis that is current now does not have it",
    "symbol_changed": "the same words are on record under another symbol now",
}


def listed(meanings: Mapping[Any, str]) -> str:
    """Values and their meanings in a row: buy (open or add), sell (…)."""
    return ", ".join(f"{value} ({meaning})" for value, meaning in meanings.items())
