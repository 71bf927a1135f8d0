"""What was added to the contract since it was first given to subscribers, the newest first."""

CHANGES = """\
Every change of version 1 adds something: a subscriber written against an earlier form of it still works, if it ignores \
fields that it does not know and takes an unknown value for "not for me".

2026-11 (Earmark 0.1.0), more of what was said
- A call says what it hangs on (`condition`, `expires`), the levels it names (`levels`), whose it is (`speaker`), whether they are in it (`position`), whether it is paid for (`paid`), how its quote stands in the transcript (`match`), and what the model gave and nobody said (`dropped`).
- The rule for acting is stricter: see "Act" in the description. A subscriber with the old rule works as before, and acts on calls with a condition and on hearsay, too.
- What a sponsor's message says is no signal any more.
- Every value says what it means, and every message has an example.

2026-10, version 1
- Mentions and outlooks, added, changed and retracted; `cause`, `revision`, `activation`; `published_precision` in `video`.
"""
