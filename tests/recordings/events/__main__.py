"""Writes the golden files anew: `python -m tests.recordings.events`.

Do so when an event type is new. A changed file of an old type means that old logs read otherwise: give the type a new
version and an upcaster instead, and keep the old file. A field that is added is no such change where old files still
decode: keep the one without it among the OLDER examples.
"""

from streams.events.envelope import encode
from tests.builders.examples import EXAMPLES
from tests.recordings.events.goldens import path, render

for name, event in EXAMPLES.items():
    path(name).write_text(render(encode(event)))
