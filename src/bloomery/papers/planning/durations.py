"""How long things take: a stated rule, not a measurement.

A task takes the minutes of its kind, and `DOUBT` more for each doubt: a reason for uncertainty, or a reading
beyond the first, which is written and tested too. What trains takes longer by the environment's factor. Sums
are told in half hours, above a day in whole hours.
"""

import math

from bloomery.papers.planning.planned import TaskKind

MINUTES: dict[TaskKind, int] = {
    "setup": 5,
    "equation test": 20,
    "foundation": 15,
    "equation": 20,
    "algorithm": 60,  # with its test
    "module": 45,  # with its test
    "model": 60,  # with its test
    "training": 45,
    "config": 10,
    "extension": 120,
    "claim": 30,  # preparing and comparing; the computing comes on top
    "quality": 15,
    "document": 30,
    "release": 15,
}
DOUBT = 20
TRAINED = ("training", "claim")
DAY = 8 * 60


def minutes(kind: TaskKind, doubts: int = 0, factor: float = 1.0) -> int:
    """Of one task, in steps of five."""
    stretched = MINUTES[kind] * (factor if kind in TRAINED else 1.0)
    return 5 * math.ceil((stretched + DOUBT * doubts) / 5)


def told(total: int) -> str:
    """`30 minutes`, `2.5 hours`, `19 hours`."""
    if total <= 45:
        return f"{total} minutes"
    hours = math.ceil(total / 60) if total > DAY else math.ceil(total / 30) / 2
    return "1 hour" if hours == 1 else f"{hours:g} hours"


def days(total: int) -> str:
    """Working days of eight hours, in halves."""
    found = math.ceil(2 * total / DAY) / 2
    return "1 working day" if found == 1 else f"{found:g} working days"
