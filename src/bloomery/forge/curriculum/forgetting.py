"""What climbing cost: accuracies on every rung after every rung, and how much was lost again.

Source: Chaudhry et al. 2018 (arXiv 1801.10112), forgetting as the largest accuracy before minus the last one
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

Matrix = Mapping[int, Sequence[float]]


def matrix_of(saved: Mapping[str, Sequence[float]]) -> dict[int, list[float]]:
    """A matrix as JSON keeps it, its rows in order: after rung i, the accuracy on each rung from 0 on."""
    return {int(rung): list(saved[rung]) for rung in sorted(saved, key=int)}


def forgetting(matrix: Matrix) -> float:
    """The mean over the rungs that were climbed, home included, of best accuracy so far minus the last.

    A rung counts from the row on in which it was left; the last row's own rung has lost nothing yet.
    0 where nothing was climbed. Units: accuracy; below 0 where later rungs helped earlier ones.
    """
    rows = sorted(matrix)
    last = rows[-1]
    lost = [
        max(matrix[row][rung] for row in rows[:-1] if row >= rung) - matrix[last][rung] for rung in rows[:-1]
    ]
    return fmean(lost) if lost else 0.0
