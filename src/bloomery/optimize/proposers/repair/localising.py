"""Which lines to suspect: those that failing tests run and passing ones do not."""

import math
from collections.abc import Collection, Mapping


def ochiai(lines: Mapping[str, frozenset[int]], failing: Collection[str]) -> dict[int, float]:
    """By line: failing tests that run it, over the root of (failing tests x tests that run it).

    Source: Abreu, Zoeteweij, van Gemund, "On the accuracy of spectrum-based fault localization", 2007.
    """
    count: dict[int, int] = {}
    failed: dict[int, int] = {}
    failing_set = set(failing)
    for test, ran in lines.items():
        for line in ran:
            count[line] = count.get(line, 0) + 1
            failed[line] = failed.get(line, 0) + (test in failing_set)
    total = sum(test in lines for test in failing)
    return {line: failed[line] / math.sqrt(total * count[line]) for line in count if failed[line]}
