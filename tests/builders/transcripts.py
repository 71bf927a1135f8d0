"""Transcripts as captions bring them, for tests of what reads them."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.videos import Video

VIDEO = Video(
    video_id="v",
    url="https://youtube.example/watch?v=v",
    channel_title="Plain & Fair",
    title="Three names",
    published_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
    origin="poll",
)

_words = st.sampled_from(
    [
        "buy",
        "sell",
        "hold",
        "the",
        "a",
        "palantir",
        "apple's",
        "é",
        "[Music]",
        ">>",
        "1.5%",
        "don't",
        "C&A,",
        "well...",
        "買い",
        "\u200b",
        "—",
        "ß",
        "I",
    ]
)
_blanks = (" ", "\n", "  ", "\u00a0")
# A segment is drawn in one go: a few words of the list, parted by one kind of blank.
segments = st.lists(
    st.builds(
        lambda words, blank: blank.join(words) + blank,
        st.lists(_words, max_size=12),
        st.sampled_from(_blanks),
    ),
    min_size=1,
    max_size=20,
).map(tuple)


def captions_of(*texts: str, video: Video = VIDEO) -> CaptionsExtracted:
    """Captions of these segments: number i is spoken from i s to i s + 900 ms."""
    return CaptionsExtracted(
        at=datetime(2026, 11, 21, tzinfo=UTC),
        video=video,
        captions_id=captions_id(video.video_id, 1),
        revision=1,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=texts,
        starts_ms=tuple(1000 * segment for segment in range(len(texts))),
        ends_ms=tuple(1000 * segment + 900 for segment in range(len(texts))),
        words=sum(len(text.split()) for text in texts),
    )
