"""What papers claim of memories, as `associative_recall` measures it, for `bloomery paper bench`."""

import statistics
from collections.abc import Sequence

from benchmarks.associative_recall import BASELINE, RECURRENT, TASKS, TITANS, above, measured, rate


def share_above(names: Sequence[str], rivals: Sequence[str], tasks: Sequence[str], seed: int) -> float:
    """Of these models and tasks, the share that is above every one of these rivals, intervals disjoint."""
    return statistics.fmean(
        all(above(measured(name, task, seed), measured(rival, task, seed)) for rival in rivals)
        for task in tasks
        for name in names
    )


def above_window(names: Sequence[str], seed: int) -> float:
    return share_above(names, (BASELINE,), ("recall", "needle"), seed)


def above_recurrent(names: Sequence[str], seed: int) -> float:
    return share_above(names, RECURRENT, tuple(TASKS), seed)


def percent(name: str, task: str, seed: int) -> float:
    return 100 * rate(measured(name, task, seed))


def titans_above_window(seed: int) -> float:
    return above_window(TITANS, seed)


def titans_above_recurrent(seed: int) -> float:
    return above_recurrent(TITANS, seed)


def yaad_above_window(seed: int) -> float:
    return above_window(("yaad",), seed)


def yaad_above_recurrent(seed: int) -> float:
    return above_recurrent(("yaad",), seed)


def hope_above_window(seed: int) -> float:
    return above_window(("hope",), seed)


def hope_above_recurrent(seed: int) -> float:
    return above_recurrent(("hope",), seed)


def lmm_needle(seed: int) -> float:
    return percent("lmm", "needle", seed)


def mac_needle(seed: int) -> float:
    return percent("mac", "needle", seed)


def linear_needle(seed: int) -> float:
    return percent("linear", "needle", seed)


def lstm_needle(seed: int) -> float:
    return percent("lstm", "needle", seed)


def yaad_needle(seed: int) -> float:
    return percent("yaad", "needle", seed)


def hope_needle(seed: int) -> float:
    return percent("hope", "needle", seed)
