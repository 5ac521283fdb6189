"""How near the offline catalogue of rewrites comes to the best versions known.

    python -m benchmarks.slow              # both halves and the optimal ones
    python -m benchmarks.slow tuned        # one of them; --json FILE

A case is solved where a proposal that behaves like the original on all generated inputs is faster than it, by
`bloomery.optimize.timing.compare`, and takes at most 1.5 times what the best version takes. A wrong proposal
counts, proven or not.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks import telling
from benchmarks.slow.corpus import HALVES, Case, cases
from benchmarks.slow.measuring import interleaved, loaded, outcome, ratio, seconds, workload_of
from bloomery.optimize.proposal import Proposal, Target
from bloomery.optimize.proposers import proposer
from bloomery.optimize.timing import Comparison, compare

NEAR = 1.5
BAR = 0.8


@dataclass(frozen=True)
class Verdict:
    case: Case
    proposals: int
    wrong: tuple[Proposal, ...]
    chosen: Proposal | None
    gain: float
    to_best: float
    faster: bool

    @property
    def solved(self) -> bool:
        return self.faster and self.to_best <= NEAR


def proposals_for(case: Case) -> list[Proposal]:
    with tempfile.TemporaryDirectory() as folder:
        target = Target(Path(folder), f"{case.name}.py")
        (target.root / target.path).write_text(case.program)
        return list(proposer("catalogue").propose(target, "speed", rng=Random(0)))


def text_of(proposal: Proposal) -> str:
    return next(iter(proposal.texts.values()))


def behaves(case: Case, proposal: Proposal) -> bool:
    ours, theirs = loaded(case.program, case.name), loaded(text_of(proposal), case.name)
    inputs = [*case.small(), case.large()]
    return all(outcome(ours, given) == outcome(theirs, given) for given in inputs)


def judge(case: Case) -> Verdict:
    found = proposals_for(case)
    wrong = tuple(proposal for proposal in found if not behaves(case, proposal))
    right = [proposal for proposal in found if proposal not in wrong]
    large = case.large()
    lightly = {
        at: min(seconds(loaded(text_of(one), case.name), large, 1) for _ in range(3))
        for at, one in enumerate(right)
    }
    chosen = right[min(lightly, key=lightly.__getitem__)] if right else None
    program = text_of(chosen) if chosen else case.program
    after, best = interleaved([loaded(one, case.name) for one in (program, case.best)], large)
    said = compared(case, program) if chosen else None
    gain, faster = (said.ratio, said.faster) if said else (1.0, False)
    return Verdict(case, len(found), wrong, chosen, gain, ratio(after, best), faster)


def compared(case: Case, program: str) -> Comparison:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{case.name}.py").write_text(case.program)
        return compare(Path(folder), f"{case.name}.py", {f"{case.name}.py": program}, workload_of(case))


def line(verdict: Verdict) -> str:
    operator = f"{verdict.chosen.operator} ({verdict.chosen.safety})" if verdict.chosen else "-"
    wrong = (
        f" WRONG {', '.join(f'{one.operator} ({one.safety})' for one in verdict.wrong)}"
        if verdict.wrong
        else ""
    )
    mark = "claimed" if verdict.faster else "-"
    figures = f"gain {verdict.gain:8.1f}  of best {verdict.to_best:6.2f}"
    case = f"{verdict.case.half:9}{verdict.case.name:20}{verdict.proposals:3}"
    return f"{case}  {figures}  {mark:8}{operator}{wrong}"


def summary(half: str, verdicts: list[Verdict]) -> str:
    wrong = [one for verdict in verdicts for one in verdict.wrong]
    proven = sum(one.safety == "proven" for one in wrong)
    made = sum(verdict.proposals for verdict in verdicts)
    told = f"wrong proposals {len(wrong)} of {made}, of them called proven {proven}"
    if half == "optimal":
        return f"{half}: {sum(v.faster for v in verdicts)} of {len(verdicts)} claimed faster; {told}"
    found = sum(bool(v.proposals) for v in verdicts)
    return (
        f"{half}: {sum(v.solved for v in verdicts)} of {len(verdicts)} solved, proposals for {found}; {told}"
    )


def rows(verdicts: Sequence[Verdict]) -> list[telling.Row]:
    """The share of solved ones, and what is claimed or proposed wrongly."""
    told = []
    for half in ("all", *(one for one in HALVES if one != "optimal")):
        some = [one for one in verdicts if one.case.half != "optimal" and half in ("all", one.case.half)]
        note = f"proposals for {sum(bool(one.proposals) for one in some)}"
        solved = sum(one.solved for one in some)
        told += telling.share(f"slow functions solved, {half}", solved, len(some), note, least=BAR)
    optimal = [one for one in verdicts if one.case.half == "optimal"]
    if optimal:
        claimed = sum(one.faster for one in optimal)
        told.append(telling.none_of("optimal functions claimed faster", claimed, len(optimal)))
    wrong = [one.safety for verdict in verdicts for one in verdict.wrong]
    made, proven = sum(one.proposals for one in verdicts), wrong.count("proven")
    note = f"{proven} of them called proven"
    told.append(telling.none_of("wrong proposals", len(wrong), made, note, judged=False))
    return told


def main(halves: tuple[str, ...], out: Path | None) -> int:
    began, judged = time.monotonic(), list[Verdict]()
    all_slow: list[Verdict] = []
    claimed = 0
    lines = []
    for half in halves:
        verdicts = []
        for case in cases(half):
            verdicts.append(judge(case))
            print(line(verdicts[-1]), flush=True)
        lines.append(summary(half, verdicts))
        judged += verdicts
        if half == "optimal":
            claimed = sum(verdict.faster for verdict in verdicts)
        else:
            all_slow += verdicts
    print("\n".join(lines))
    share = sum(verdict.solved for verdict in all_slow) / len(all_slow) if all_slow else 1.0
    print(f"solved {share:.0%} of the slow (bar {BAR:.0%}); optimal ones claimed faster: {claimed} (bar 0)")
    if out:  # the rows say what was missed
        telling.write(out, "slow", rows(judged), time.monotonic() - began, " ".join(halves))
        return 0
    return 0 if share >= BAR and not claimed else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("halves", nargs="*", metavar="HALF", help=f"of {', '.join(HALVES)}; all if none")
    parser.add_argument("--json", type=Path, help="rows for the harness")
    asked = parser.parse_args()
    sys.exit(main(tuple(asked.halves) or HALVES, asked.json))
