"""One patch from its proposal to its merge, with a fault at each request in turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.github.fake import NAME, Fault
from benchmarks.github.town import Town, town
from bloomery.core.errors import BloomeryError
from bloomery.optimize.github.outbox import Outbox


def end_of(place: Town) -> tuple[Any, ...]:
    """What there is in the end, as far as it may not differ."""
    fake = place.fake
    refs = sorted(fake.git("for-each-ref", "--format=%(refname)").split())
    (one,) = Outbox.of(place.ledger.workspace, NAME).all()
    events = [entry.event for entry in place.ledger.records.audit()]
    return (
        fake.git("rev-parse", "main^{tree}").strip(), fake.git("rev-list", "--count", "main").strip(),
        len(refs), len(fake.pulls), len(fake.issues), [issue["state"] for issue in fake.issues.values()],
        one.stage, events.count("merged"), sum(len(comments) for comments in fake.comments.values()),
    )  # fmt: skip


def way(place: Town, faults: Sequence[Fault]) -> int:
    """Propose, publish, approve, merge; what is cut short is begun again. How often it was."""
    place.propose(1)
    place.fake.faults = list(faults)
    for attempt in range(4):
        place.publish()
        pulls = [one["number"] for one in place.fake.pulls.values()]
        try:
            for number in pulls:
                place.approve(number)
        except BloomeryError as error:
            place.told.append(str(error))
            continue
        if pulls:
            return attempt
    return 4


@dataclass
class After:
    """A fault that hits the n-th request of all."""

    kind: str
    number: int
    times: int = 1

    def hits(self, _method: str, path: str) -> bool:
        self.number -= 1
        return self.number < 0


def faults(kinds: Sequence[str], every: int) -> dict[str, Any]:
    with town() as place:
        way(place, [])
        wanted, length = end_of(place), len(place.fake.calls)
    rows = []
    for kind in kinds:
        for number in range(0, length, every):
            for times in (1, 9):
                with town() as place:
                    again = way(place, [After(kind, number, times)])  # type: ignore[list-item]
                    rows.append((kind, number, times, again, end_of(place) == wanted, bool(place.told)))
    wrong = [row for row in rows if not row[4]]
    silent = [row for row in rows if row[3] and not row[5]]
    return {"requests_of_the_way": length, "tried": len(rows), "ended_otherwise": wrong, "cut_short": sum(
        row[3] > 0 for row in rows), "cut_short_in_silence": silent}  # fmt: skip
