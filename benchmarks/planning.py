"""`bloomery paper plan` on 20 contexts with 1,000 equations: processor seconds of the whole command.

    python -m benchmarks.planning --json out.json

The contexts are made up and as rich as those of papers/: each equation has its LaTeX, words, five variables,
notes, criteria, and edges written on both sides, some to the paper before. Each repeat is the command as a
user gives it, start, reading and writing included; the slowest counts. It is one thread, so that a quiet
machine's clock shows what its processor takes; how long it was on the clock here is printed beside.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bloomery.papers.context import (
    Algorithm,
    Architecture,
    Benchmarks,
    Context,
    Equation,
    Hyperparameter,
    Module,
    Reference,
    Result,
    Step,
    Variable,
)
from bloomery.papers.markdown import write

PAPERS, EQUATIONS, REPEATS, BAR_S = 20, 50, 5, 2.0
LATEX = r"M_{%d} = \operatorname{diag}(1 - \alpha_t) M_{%d} - \eta_t \nabla \ell(M_{%d}; k_t, v_t) + b_{%d}"
WORDS = "The state after one more token: what it was, let fade, and a step against the gradient of the error."
VARIABLES = (
    Variable("M_t", "state", "Tensor", "[B, D, D]", "what is remembered after token t"),
    Variable("k_t", "key", "Tensor", "[B, D]", "where token t is written", "unit norm"),
    Variable("v_t", "value", "Tensor", "[B, D]", "what is written there"),
    Variable(r"\alpha_t", "decay", "Tensor", "[B]", "share of the state that fades", "[0, 1]"),
    Variable(r"\eta_t", "rate", "Tensor", "[B]", "length of the step", "> 0"),
)


def paper(at: int) -> Context:
    """A chain of equations whose first stands on the last of the paper before."""
    starts = range(1, EQUATIONS + 1, 5)
    steps = tuple(Step(str(n), f"equation {n}", f"Eq {n}", f"Block{n}.step") for n in starts)
    modules = tuple(Module(f"Block{n}", str(n), "[B, S, D]", "[B, S, D]") for n in starts)
    return Context(
        _name(at), f"Paper {at}", f"Paper {at} of a long chain", ("Ada Example",), f"0000.{at:05}", 2024,
        extraction_date="2026-01-01",
        equations=tuple(equation(at, n) for n in range(1, EQUATIONS + 1)),
        algorithms=(Algorithm("1", "All", pseudocode="1: all", lines=steps),),
        architecture=Architecture(modules=modules),
        hyperparameters=(Hyperparameter("Training", "learning rate", value="1e-3", reference="Table 1"),),
        benchmarks=Benchmarks(results=(Result("Puddles", "PPL", "down", value="12.5", source="Table 2"),)),
    )  # fmt: skip


def equation(at: int, n: int) -> Equation:
    before = (
        Reference("equation", str(n - 1)) if n > 1 else Reference("equation", str(EQUATIONS), _name(at - 1))
    )
    after = Reference("equation", str(n + 1)) if n < EQUATIONS else Reference("equation", "1", _name(at + 1))
    return Equation(
        str(n), f"Update {n}", latex=LATEX % (n, n - 1, n - 1, n), plain_english=WORDS, variables=VARIABLES,
        notes=("The product is taken in float32.", "Rows that are padding leave the state as it is."),
        criteria=("a loop in NumPy", "a decay of 1 forgets everything"),
        requires=(before,) if n > 1 or at else (),
        used_by=(after,) if n < EQUATIONS or at < PAPERS - 1 else (),
    )  # fmt: skip


def _name(at: int) -> str:
    return f"paper{at:02}"


def planned(folder: Path) -> tuple[float, float, str]:
    """Wall and processor seconds of one command, and what it says."""
    files = sorted(str(path) for path in folder.glob("*.context.md"))
    command = [sys.executable, "-m", "bloomery", "paper", "plan", *files, "-o", str(folder / "PLAN.md")]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"bloomery paper plan: exit code {done.returncode}: {done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout.strip()


def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bloomery-plan-") as scratch:
        folder = Path(scratch)
        for at in range(PAPERS):
            (folder / f"{_name(at)}.context.md").write_text(write(paper(at)))
        size = sum(path.stat().st_size for path in folder.glob("*.context.md"))
        runs, plans = [], set()
        for _ in range(REPEATS):
            runs.append(planned(folder))
            plans.add((folder / "PLAN.md").read_text().replace(scratch, ""))
    if len(plans) != 1 or any(f"paper{PAPERS - 1}:{EQUATIONS}" not in one for one in plans):
        raise SystemExit("the plans differ, or lack equations")
    return {
        "wall": [run[0] for run in runs],
        "cpu": [run[1] for run in runs],
        "bytes": size,
        "said": runs[0][2].rpartition(": ")[2],
    }


def row(found: dict[str, Any]) -> dict[str, Any]:
    slowest, walls = max(found["cpu"]), sorted(found["wall"])
    return {
        "what": f"paper plan on {PAPERS} contexts with {PAPERS * EQUATIONS:,} equations",
        "ours": slowest, "peer": None, "ratio": None, "unit": "CPU s", "bar": f"< {BAR_S:g} s",
        "higher_is_better": False, "met": slowest < BAR_S,
        "note": f"slowest of {REPEATS}, median {statistics.median(found['cpu']):.2f}; on the clock "
        f"{walls[0]:.2f} to {walls[-1]:.2f} s beside other work; {found['bytes'] / 1e6:.1f} MB of contexts, "
        f"{found['said']}",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    options = parser.parse_args()
    start = time.monotonic()
    one = row(measure())
    print(f"{one['what']}: {one['ours']:.2f} {one['unit']}; {one['note']}")
    if options.json:
        seconds = time.monotonic() - start
        document = {"name": "planning", "command": "python -m benchmarks.planning", "seconds": seconds}
        options.json.write_text(json.dumps({**document, "rows": [one]}, indent=2))


if __name__ == "__main__":
    main()
