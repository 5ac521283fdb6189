"""What papers claim of memories, as `associative_recall` measures it, for `bloomery paper bench`."""

import statistics
from collections.abc import Sequence

from benchmarks.associative_recall import BASELINE, RECURRENT, TITANS, above, measured, rate

JUDGED = ("recall", "needle")  # the tasks that decide an ordering


def share_above(names: Sequence[str], rivals: Sequence[str], seed: int) -> float:
    """Of these models and both tasks, the share above every one of these rivals, 95 % intervals disjoint."""
    return statistics.fmean(
        all(above(measured(name, task, seed), measured(rival, task, seed)) for rival in rivals)
        for task in JUDGED
        for name in names
    )


def needle(name: str, seed: int) -> float:
    return 100 * rate(measured(name, "needle", seed))


def titans_above_window(seed: int) -> float:
    return share_above(TITANS, (BASELINE,), seed)


def titans_above_recurrent(seed: int) -> float:
    return share_above(TITANS, RECURRENT, seed)


def yaad_above_window(seed: int) -> float:
    return share_above(("yaad",), (BASELINE,), seed)


def yaad_above_recurrent(seed: int) -> float:
    return share_above(("yaad",), RECURRENT, seed)


def hope_above_window(seed: int) -> float:
    return share_above(("hope",), (BASELINE,), seed)


def hope_above_recurrent(seed: int) -> float:
    return share_above(("hope",), RECURRENT, seed)


def lmm_needle(seed: int) -> float:
    return needle("lmm", seed)


def mac_needle(seed: int) -> float:
    return needle("mac", seed)


def yaad_needle(seed: int) -> float:
    return needle("yaad", seed)


def hope_needle(seed: int) -> float:
    return needle("hope", seed)


def linear_needle(seed: int) -> float:
    return needle("linear", seed)
