"""What GitHub costs and what its faults do: a day of publishing and approving, on a server of our own.

    python -m benchmarks.github                  # all; --seeds 3, --only day|second|faults, --json FILE,
                                                 # --details FILE

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
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import telling
from benchmarks.github.faults import faults
from benchmarks.github.replaying import KINDS, Day, day, second
from bloomery.core.log import set_level

HITS = 0.7


def rows(found: Mapping[str, Any]) -> list[telling.Row]:
    """Of what was measured: hits of the worst day, what a second run costs, what faults do."""
    told = []
    if days := found.get("days"):
        told.append(_hits(days))
    if two := found.get("second"):
        asked, kept = two["second_requests"], two["second_304"]
        note = f"{asked} requests, the first run made {two['first_requests']}"
        told.append(telling.none_of("quota of a second run", two["second_charged"], asked, note))
        told.append(telling.none_of("requests of a second run that are no 304", asked - kept, asked))
    if cut := found.get("faults"):
        wrong, silent = len(cut["ended_otherwise"]), len(cut["cut_short_in_silence"])
        told.append(telling.none_of("ways with a fault that end otherwise", wrong, cut["tried"]))
        told.append(telling.none_of("ways cut short in silence", silent, cut["cut_short"]))
    return told


def _hits(days: Sequence[Day]) -> telling.Row:
    worst = min(days, key=lambda one: one.hit_rate)
    counts = ", ".join(f"{one.hits} of {one.reads}" for one in days)
    note = f"seeds 0 to {len(days) - 1}: {counts}; {sum(one.faults for one in days)} faults told"
    judged = {"bar": f">= {HITS:g}", "met": worst.hit_rate >= HITS}
    return telling.row("reads answered 304, worst day", worst.hit_rate, "share", note, **judged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("day", "second", "faults"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="faults: each n-th request only")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--json", type=Path, help="rows for the harness")
    parser.add_argument("--details", type=Path, help="all that was measured")
    asked = parser.parse_args()
    set_level("error")
    found: dict[str, Any] = {}
    began = time.monotonic()
    if asked.only in (None, "day"):
        found["days"] = [day(seed) for seed in range(asked.seeds)]
    if asked.only in (None, "second"):
        found["second"] = second()
    if asked.only in (None, "faults"):
        found["faults"] = faults(asked.kinds, asked.every)
    days = [asdict(one) | {"hit_rate": round(one.hit_rate, 4)} for one in found.get("days", ())]
    text = json.dumps(found | ({"days": days} if days else {}), indent=1)
    print(text)
    if asked.details:
        asked.details.write_text(text + "\n")
    if asked.json:
        arguments = f"--seeds {asked.seeds} --every {asked.every}"
        telling.write(asked.json, "github", rows(found), time.monotonic() - began, arguments)


if __name__ == "__main__":
    main()
