"""Writes today's golden files: `python -m tests.recordings.events`.

Do so when an event type is new, has another version or another field. A file that is there already says what logs hold,
so it is only added to, and stays as it was beside the new one; anything else needs another version of the type.
"""

import json
import sys

from streams.events.envelope import encode
from tests.recordings.events.goldens import TODAY, additions, path, render

writings: dict[str, str] = {}
for name, event in TODAY.items():
    writings[name] = render(encode(event))
    before = path(name).read_text() if path(name).exists() else writings[name]
    try:
        fields = sorted(set(additions(json.loads(before), json.loads(writings[name]))))
    except ValueError as error:
        sys.exit(
            f"{path(name).name}: {error}, and logs hold what it said: raise the type's version, say in UPCASTERS in"
            " streams/events/catalogue.py how the one before reads, and run this again. If no release ever wrote it:"
            f" rm {path(name)}"
        )
    if fields:
        writings[f"{name}.without_{'_'.join(fields)}"] = before

for name, text in writings.items():
    path(name).write_text(text)
