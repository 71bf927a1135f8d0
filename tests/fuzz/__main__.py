"""`python -m tests.fuzz [SEED]`: 20,000 spoilt bodies. Exit code 1 where one was neither a result nor a named failure."""

import asyncio
import sys

from tests.fuzz.trials import feeds, json3, players


def main(seed: int) -> int:
    """Try them, and print what came of each kind."""
    tried = {
        "json3": json3(12_000, seed),
        "feed": feeds(4_000, seed),
        "player": asyncio.run(players(4_000, seed)),
    }
    for name, outcomes in tried.items():
        print(f"{name}: {dict(outcomes.counts.most_common())}")
        print(*outcomes.wrong, sep="\n")
    return int(any(outcomes.wrong for outcomes in tried.values()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
