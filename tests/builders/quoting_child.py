"""A child of `run_child` that ends quoting its cookies, as a parser may that finds a line it cannot read."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    cookies = Path(json.load(sys.stdin)["options"]["cookies"]).read_text()
    sys.exit(f"cannot read {cookies!r}, which is:\n{cookies}")
