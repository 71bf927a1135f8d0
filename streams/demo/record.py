"""`python -m streams.demo.record`: writes down which requests the sample's answers belong to.

Run it when a prompt, the transcript's form or the sample changed on purpose, and review what differs.
"""

import orjson

from streams.analysis.conversation import request_of
from streams.analysis.prompt_files import BUNDLED, read_prompt
from streams.demo.sample_channel import REQUESTS, sample_captions, sample_channel
from streams.demo.script import fingerprint
from streams.events.prompts import Prompt


def sample_requests(prompt: Prompt) -> dict[str, str]:
    """The fingerprint of what Claude is asked, by video id."""
    return {
        captions.video.video_id: fingerprint(request_of(prompt, captions, prompt.max_tokens))
        for captions in sample_captions(sample_channel())
    }


def main() -> None:
    """Write `sample/requests.json` for the bundled prompt."""
    requests = sample_requests(read_prompt(BUNDLED))
    REQUESTS.write_bytes(orjson.dumps(requests, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"{REQUESTS.name}: {len(requests)} requests")


if __name__ == "__main__":
    main()
