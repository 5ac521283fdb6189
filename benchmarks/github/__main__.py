"""What GitHub costs and what its faults do: a day of publishing and approving, on a server of our own.

    python -m benchmarks.github                  # all; --seeds 3, --only day|second|faults, --json FILE

day     From a seed: 96 runs, one each quarter of an hour. Patches come, people approve some (they are checked
        and merged, with a validation that always passes), close others, and push to main; now and then the
        network, the server or a limit fails. Counted is what the server saw: a read is a hit where it
        answered 304. Two thirds of the runs find something changed.
second  A run after which nothing changes, and the same run again.
faults  One patch from its proposal to its merge, with one fault at each request of that way in turn; what was
        cut short is run again. It has to end as the undisturbed way did, with nothing made twice.

The server answers as GitHub documents it (`benchmarks/github/fake.py`); GitHub itself is never asked.
Workflows get a new token for each job, by which GitHub makes new ETags: a job's first reads are no hits.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.github.faults import faults
from benchmarks.github.replaying import KINDS, day, second
from bloomery.core.log import set_level


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("day", "second", "faults"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="faults: each n-th request only")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    set_level("error")
    found: dict[str, Any] = {}
    if asked.only in (None, "day"):
        days = [day(seed) for seed in range(asked.seeds)]
        found["days"] = [asdict(one) | {"hit_rate": round(one.hit_rate, 4)} for one in days]
    if asked.only in (None, "second"):
        found["second"] = second()
    if asked.only in (None, "faults"):
        found["faults"] = faults(asked.kinds, asked.every)
    text = json.dumps(found, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
