"""Exit code 0 when LocalStack's hooks have all run, and without an error.

docs: LocalStack, Initialization Hooks: `/_localstack/init/ready` says what became of each script of ready.d.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.request import urlopen


def main() -> int:
    """The exit code."""
    url = os.environ.get("LAUNCHDAY_ENDPOINT_URL", "http://127.0.0.1:4566")
    try:
        with urlopen(f"{url}/_localstack/init/ready", timeout=5) as answer:
            told = json.load(answer)
    except OSError as error:
        print(f"LocalStack at {url} does not answer: {error}.")
        return 1
    if not told["completed"]:
        print("The hooks have not all run yet.")
        return 1
    failed = [script["name"] for script in told["scripts"] if script["state"] != "SUCCESSFUL"]
    if failed:
        print(f"Failed, LocalStack's log says why: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
