"""Hold the coverage that the tests just measured to a floor, in lines.

    python -m scripts.floor 90

Branches are measured and shown too; the floor is on lines alone, so that one number means one thing.
"""

import sys

import coverage


def line_percent(measured: coverage.Coverage) -> float:
    """The percentage of statements that ran, over all files together."""
    total = missing = 0
    for path in measured.get_data().measured_files():
        _, statements, _, unrun, _ = measured.analysis2(path)
        total, missing = total + len(statements), missing + len(unrun)
    return 100 * (total - missing) / total if total else 0.0


def main(floor: float) -> int:
    measured = coverage.Coverage()
    measured.load()
    percent = line_percent(measured)
    verdict = "at least" if percent >= floor else "BELOW"
    print(f"coverage: {percent:.1f} % of lines, {verdict} the floor of {floor:g} %")
    return 0 if percent >= floor else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
