"""Hold the coverage that the tests just measured to a floor, in lines.

    python -m scripts.floor 90

Branches are measured, too; the floor is on lines alone, so that one number means one thing.
"""

import os
import sys

import coverage

SHOWN = 10  # files, those with the most lines that did not run; `coverage report` lists all


def counted(measured: coverage.Coverage) -> dict[str, tuple[int, int]]:
    """For each file its statements, and those of them that did not run."""
    found = {}
    for path in measured.get_data().measured_files():
        _, statements, _, unrun, _ = measured.analysis2(path)
        found[path] = len(statements), len(unrun)
    return found


def line_percent(counts: dict[str, tuple[int, int]]) -> float:
    """The percentage of statements that ran, over all files together."""
    total, missing = (sum(column) for column in zip((0, 0), *counts.values(), strict=True))
    return 100 * (total - missing) / total if total else 0.0


def main(floor: float) -> int:
    measured = coverage.Coverage()
    measured.load()
    counts = counted(measured)
    for path in sorted(counts, key=lambda path: -counts[path][1])[:SHOWN]:
        print(f"{counts[path][1]:5} of {counts[path][0]:4} lines did not run: {os.path.relpath(path)}")
    percent = line_percent(counts)
    verdict = "at least" if percent >= floor else "BELOW"
    print(f"coverage: {percent:.1f} % of lines, {verdict} the floor of {floor:g} %")
    return 0 if percent >= floor else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
