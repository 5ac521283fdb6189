"""Which mends there are for which weakness. A new one adds one line to MENDS."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bloomery.optimize.faults.sighting import Kind
from bloomery.optimize.proposers.robustness.closing import before_try, hoisted, managed, released
from bloomery.optimize.proposers.robustness.handlers import looked_at, narrowed, validated
from bloomery.optimize.proposers.robustness.source import Made, NotMended, Source
from bloomery.optimize.proposers.robustness.timeouts import bounded, retried, timeouts
from bloomery.optimize.proposers.robustness.wholes import locked, monotonic, whole
from bloomery.optimize.proposers.robustness.writing import atomic, cleaned, moved

Make = Callable[[Source, str], Iterator[Made]]


@dataclass(frozen=True)
class Mend:
    make: Make
    kinds: tuple[Kind, ...]


MENDS: Mapping[str, Mend] = {
    "timeouts": Mend(timeouts, ("never ends",)),
    "bounded retries": Mend(bounded, ("never ends",)),
    "retries": Mend(retried, ("gives up at once",)),
    "with": Mend(managed, ("leak", "torn file", "masked")),
    "with around": Mend(hoisted, ("leak",)),
    "finally": Mend(released, ("unusable afterwards", "leak", "left behind")),
    "opened before try": Mend(before_try, ("masked",)),
    "replaced in one step": Mend(moved, ("torn file",)),
    "atomic writes": Mend(atomic, ("torn file", "left behind")),
    "spare files removed": Mend(cleaned, ("left behind", "torn file")),
    "narrower handlers": Mend(narrowed, ("swallowed",)),
    "status looked at": Mend(looked_at, ("swallowed",)),
    "input checked": Mend(validated, ("unvalidated",)),
    "to the end": Mend(whole, ("wrong value",)),
    "monotonic clock": Mend(monotonic, ("clock",)),
    "locks": Mend(locked, ("race",)),
}


def mends(text: str, kind: Kind, function: str) -> Iterator[tuple[str, Made]]:
    """The changes that may take a weakness away, with the name of the mend; each is for faults to judge."""
    source = Source(text)
    for name, mend in MENDS.items():
        if kind not in mend.kinds:
            continue
        try:
            for made in mend.make(source, function):
                if made.text != text:
                    yield name, made
        except NotMended:
            continue
