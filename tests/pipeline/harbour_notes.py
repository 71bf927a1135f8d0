"""Harbour Notes: another channel than the demo's, and a Claude that writes down whatever its speakers buy or sell."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from streams.loopback.captions_writer import automatic, manual
from streams.loopback.channel import Behaviour, Channel, ChannelVideo
from streams.loopback.script import Reply

HANDLE = "@HarbourNotes"
EMPTY = Channel(channel_id="UCHarbourNotes0000000001", handle=HANDLE, title="Harbour Notes", videos=())
CALL = re.compile(r"i am (buying|selling) (\w+) for the (\w+) ahead")


def video(
    video_id: str,
    published_at: datetime,
    *companies: str,
    by_hand: bool = False,
    behaviour: Behaviour = "plays",
) -> ChannelVideo:
    """A video in which the first company is bought and every other one sold; without companies it has no captions."""
    lines = [
        "[00:00] hello from the harbour it is a grey morning and the cranes are standing still again",
        *(
            f"[00:{10 + 10 * index}] and i am {'selling' if index else 'buying'} {company} for the years ahead"
            f" whatever the others on this quay may say about {company}"
            for index, company in enumerate(companies)
        ),
        "[00:50] goodbye",
        "[00:52]",
    ]
    captions = "\n".join(lines)
    return ChannelVideo(
        video_id=video_id,
        title=f"The harbour on {', '.join(companies) or 'nothing'}",
        published_at=published_at,
        duration_s=52,
        auto=automatic(captions) if companies and not by_hand else None,
        manual=manual(captions) if companies and by_hand else None,
        behaviour=behaviour,
    )


def answer(body: Mapping[str, Any]) -> Reply:
    """What the transcript in a request says, as the answer to that request."""
    said = re.sub(r"\n\[\d+\]", "", body["messages"][0]["content"])
    mentions = [
        {
            "symbol": call[2].upper(),
            "said_as": call[2],
            "action": "buy" if call[1] == "buying" else "sell",
            "conviction": 0.7,
            "time_horizon": call[3],
            "quote": call[0],
            "line": 1,
        }
        for call in CALL.finditer(said)
    ]
    return Reply(
        orjson.dumps(
            {
                "market_outlook": {"direction": "mixed", "reasoning": "The cranes stand still."},
                "macro_themes": ["harbours"],
                "key_risks": [],
                "summary": f"{len(mentions)} calls.",
                "mentions": mentions,
            }
        ).decode()
    )
