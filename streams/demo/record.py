"""`python -m streams.demo.record`: writes down which requests the sample's answers belong to.

Run it when a prompt, the transcript's form or the sample changed on purpose, and review what differs.
"""

import orjson

from streams.analysis.question import request_of
from streams.demo.sample_channel import PROMPTS, REQUESTS, sample_captions, sample_channel
from streams.loopback.script import fingerprint
from streams.prompts.files import read_prompt


def sample_requests() -> dict[str, dict[str, str]]:
    """The fingerprint of what Claude is asked, by prompt name and video id."""
    captioned = sample_captions(sample_channel())
    return {
        prompt.name: {
            captions.video.video_id: fingerprint(request_of(prompt, captions, prompt.max_tokens))
            for captions in captioned
        }
        for prompt in map(read_prompt, PROMPTS)
    }


def main() -> None:
    """Write `sample/requests.json` for both prompts."""
    requests = sample_requests()
    REQUESTS.write_bytes(orjson.dumps(requests, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"{REQUESTS.name}: {', '.join(f'{len(of)} requests of {name}' for name, of in requests.items())}")


if __name__ == "__main__":
    main()
