"""A day of publishing and approving from a seed, and a run of which nothing is new."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.github.fake import NAME, Fault
from benchmarks.github.town import Town, town
from bloomery.core.errors import BloomeryError
from bloomery.optimize.github.outbox import Outbox

RUNS = 96
KINDS = ("500", "502", "lost_before", "lost_after", "half", "429", "secondary")


@dataclass(frozen=True)
class Day:
    seed: int
    runs: int
    runs_with_news: int
    requests: int
    reads: int
    hits: int
    charged: int
    merged: int
    faults: int
    waiting: int

    @property
    def hit_rate(self) -> float:
        return self.hits / self.reads


def day(seed: int, runs: int = RUNS) -> Day:
    """Replay a day. The limit is renewed each hour, as GitHub's is for a workflow: 1000 requests."""
    rng = Random(seed)
    with town() as place:
        news = sum(_quarter(place, rng, number) for number in range(runs))
        place.fake.faults.clear()
        place.publish()  # what is left over at night
        waiting = Outbox.of(place.ledger.workspace, NAME).all()
        seen = place.fake.calls
        reads = [status for method, path, status in seen if method == "GET" and path != "/rate_limit"]
        return Day(
            seed, runs, news, len(seen), len(reads), reads.count(304),
            sum(status not in (0, 304) for _, _, status in seen),
            sum(one["merged"] for one in place.fake.pulls.values()), len(place.told),
            sum(one.stage == "waiting" for one in waiting),
        )  # fmt: skip


def _quarter(place: Town, rng: Random, number: int) -> bool:
    """What happens in a quarter of an hour, and the run at its end; whether anything happened."""
    fake, before = place.fake, (len(place.told), len(place.fake.pulls))
    place.now += 900
    if number % 4 == 0:
        fake.remaining = fake.limit
    chances = {"patch": 0.2, "approve": 0.15, "close": 0.05, "push": 0.1, "fault": 0.1, "talk": 0.2}
    happened = [kind for kind, chance in chances.items() if rng.random() < chance]
    still_open = sorted(one["number"] for one in fake.pulls.values() if one["state"] == "open")
    for kind in happened:
        if kind == "patch":
            place.update()
            place.propose(rng.randrange(10_000), issue=rng.random() < 0.5)
        elif kind == "push":
            place.push(f"at {number}\n")
        elif kind == "fault":
            fake.faults.append(Fault(rng.choice(KINDS), times=rng.choice((1, 2, 9))))
        elif still_open and kind == "talk":
            fake.issues[rng.choice(still_open)]["comments"] = number
        elif still_open:
            one = still_open.pop(rng.randrange(len(still_open)))
            if kind == "close":
                fake.pulls[one]["state"] = fake.issues[one]["state"] = "closed"
            else:
                _try(place, lambda one=one: place.approve(one))
    place.publish()
    return bool(happened) or before != (len(place.told), len(fake.pulls))


def _try(place: Town, act: Callable[[], None]) -> None:
    try:
        act()
    except BloomeryError as error:  # told, and tried again by whoever approves it again
        place.told.append(str(error))


def second() -> dict[str, Any]:
    """Twelve patches put up, then the same run again."""
    with town() as place:
        for number in range(12):
            place.propose(number)
        place.publish()
        first, left = len(place.fake.calls), place.fake.remaining
        place.publish()
        again = place.fake.statuses_seen[first:]
        return {"first_requests": first, "second_requests": len(again), "second_304": again.count(304),
                "second_charged": left - place.fake.remaining}  # fmt: skip
