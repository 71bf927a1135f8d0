"""A request that is being worked on."""

from dataclasses import dataclass
from uuid import UUID

from streams.budget.account import Pending
from streams.events.captions import CaptionsExtracted
from streams.events.prompts import Prompt


@dataclass(frozen=True)
class Job:
    """A request, the prompt it is asked with, the captions it is about and the tokens its answer may have."""

    pending: Pending
    prompt: Prompt
    captions: CaptionsExtracted
    max_tokens: int

    @property
    def analysis_id(self) -> UUID:
        """The analysis that answers it."""
        return self.pending.request.analysis_id(self.prompt.prompt_id)
