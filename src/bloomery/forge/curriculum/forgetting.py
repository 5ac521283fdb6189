"""What climbing cost: accuracies on every rung after every rung, and how much was lost again.

Source: Chaudhry et al. 2018 (arXiv 1801.10112), forgetting as the largest accuracy before minus the last one
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

Matrix = Mapping[int, Sequence[float]]


def matrix_of(saved: Mapping[str, Sequence[float]]) -> dict[int, list[float]]:
    """A matrix as JSON keeps it, its rows in order: when rung i was left, the accuracy on each from 0 on."""
    return {int(rung): list(saved[rung]) for rung in sorted(saved, key=int)}


def forgetting(matrix: Matrix, last: Sequence[float]) -> float:
    """The mean over the rungs that were left, home included, of best accuracy since then minus the last.

    `last` are the accuracies on each rung when all is done: a row of its own, so that the rung that was left
    last counts too. 0 where none was left. Units: accuracy; below 0 where what came later helped.
    """
    rows = sorted(matrix)
    lost = [max(matrix[row][rung] for row in rows if row >= rung) - last[rung] for rung in rows]
    return fmean(lost) if lost else 0.0
