"""What the columns of `transcripts`, `segments` and `search` say, where their names say more or other than elsewhere."""

from collections.abc import Mapping

COLUMNS: Mapping[str, str] = {
    "text": "the line as it was captioned",
    "rank": "1: the best",
    "score": "by Okapi BM25: higher is better, and no more can be read in it",
}

OF: Mapping[str, Mapping[str, str]] = {
    "search": {
        "line": "the line that has most of the words, the first of such lines",
        "start_ms": "start of that line, in milliseconds from the start of the video",
        "url": "opens the video at the second of that line",
    },
    "segments": {
        "ordinal": "the line's place in the transcript, from 0",
        "start_ms": "start of the line, in milliseconds from the start of the video",
        "end_ms": "end of the line, in milliseconds from the start of the video",
        "url": "opens the video at the second of the line",
    },
    "transcripts": {
        "text": "all lines of the video, a blank between them",
        "captioned_at": "when the captions were taken",
    },
}
