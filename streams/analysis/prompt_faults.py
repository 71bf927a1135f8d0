"""When a prompt is at fault and not the video: what is turned down for two videos in a row in the same words, or cannot be asked.

A replay under such a prompt ends. Live requests wait for another prompt; from time to time one of them tries.
"""

import re
from dataclasses import dataclass, field

TRY_AGAIN_MS = 10 * 60_000
_VARIES = re.compile(r"\b[\w-]*\d[\w-]*\b")


@dataclass
class BadRequests:
    """The last request that the provider turned down, until it answers one."""

    _last: tuple[str, str] | None = None

    def is_the_prompts(self, video_id: str, reason: str) -> bool:
        """Whether the request before this one was turned down in the same words, for another video."""
        words = _VARIES.sub("…", reason)
        before, self._last = self._last, (video_id, words)
        return before is not None and before[0] != video_id and before[1] == words

    def answered(self) -> None:
        """A request was answered."""
        self._last = None


@dataclass
class FaultyPrompts:
    """The prompts that no live request is asked with for now: until when (ms since 1970), by prompt id."""

    _until_ms: dict[str, int] = field(default_factory=dict)

    def add(self, prompt_id: str, now_ms: int) -> bool:
        """Hold its requests. Whether that is news."""
        is_new = prompt_id not in self._until_ms
        self._until_ms[prompt_id] = now_ms + TRY_AGAIN_MS
        return is_new

    def held_until_ms(self, prompt_id: str, now_ms: int) -> int:
        """Until when a request must wait, 0 where it may go: then it is the one that tries."""
        until_ms = self._until_ms.get(prompt_id, 0)
        if 0 < until_ms <= now_ms:
            self._until_ms[prompt_id] = now_ms + TRY_AGAIN_MS
            return 0
        return until_ms

    def works(self, prompt_id: str) -> bool:
        """A request was answered. Whether the prompt had been held."""
        return self._until_ms.pop(prompt_id, None) is not None
