"""Agents on one queue, with planted conflicts and faults: what is settled without a person, and right.

    python -m benchmarks.coordinating                # --seeds N ..., --pairs N, --agents N, --json PATH

A workload is a program of units, generated from a seed (`planted.py`). Two tasks change each unit, in one of
nine ways that get in each other's way; three of these exclude each other, so that only a person can decide.
At some tasks the agent dies (SIGKILL in the middle of the work), at some it raises at the first attempt,
some bring a patch that the checks refuse, some one that is wrong where no check looks, some ask for the
impossible. An agent succeeds that brings a patch which passes: put up, or waiting for a person.

The judge knows each unit's right answers with neither, either and both of its changes. All patches that are
put up are merged by git into one tree, and each unit is asked there for values that no check of the workload
asks for. A conflict counts as resolved only where nobody was asked and the unit does what both changes do.
Beside: what git's three-way merge alone makes of the same pairs, judged alike.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.planted import program
from benchmarks.workloads import MODULE, Load, checking, made, queue, working
from bloomery.core.errors import UserError
from bloomery.core.log import set_level
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Ledger, Patch, Repository, open_ledger
from bloomery.optimize.changes.making import after
from bloomery.optimize.coordinating import Crew, Summary, Terms, coordinate
from bloomery.optimize.coordinating.trees import texts_at

ASK = (
    "import json, sys\nimport work\n\n\ndef answer(asked):\n    try:\n        return repr(eval(asked))\n"
    "    except Exception as error:\n        return type(error).__name__\n\n\n"
    "print(json.dumps([answer(asked) for asked in json.load(sys.stdin)]))\n"
)
BARS = {"conflicts resolved without a person": 0.6, "agents' success": 0.85, "right of what is put up": 0.9}


@dataclass
class Counts:
    """What became of the tasks and the pairs of all workloads."""

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)  # kind of conflict, how it ended
    git: Counter[str] = field(default_factory=Counter)
    tasks: Counter[tuple[str, bool]] = field(default_factory=Counter)  # planted fault, brought a sound patch
    up: Counter[bool] = field(default_factory=Counter)
    deaths: int = 0


def measure(seed: int, pairs: int, agents: int, counts: Counts) -> None:
    with tempfile.TemporaryDirectory(prefix="agents-") as name:
        load = made(Path(name), seed, pairs)
        workspace = Workspace.open(load.space)
        queue(load, workspace, seed)
        terms = Terms(poll_s=0.05, again_s=0.1, beat_s=1.0)
        crew = Crew(work=working, validate=checking, agents=agents, terms=terms)
        done = coordinate(workspace, load.root, crew)
        judged(load, open_ledger(workspace, load.root), done, counts)
        workspace.catalog.close()


def judged(load: Load, ledger: Ledger, done: Summary, counts: Counts) -> None:
    repository, tree = ledger.repository, ledger.repository.object("HEAD^{tree}", "")
    ready = [
        ledger.load(cid) for cid in dict.fromkeys(one.cid for one in done.offers if one.state == "ready")
    ]
    asked = [cid for one in done.conflicts if one.state == "open" for cid in (one.one, one.other)]
    waiting = {name for cid in asked for name in names_in(ledger.load(cid))}
    texts, merging = together(repository, tree, ready)
    put_up = {name for patch in merging for name in names_in(patch)}
    right = answers(load, texts, put_up)
    for number, unit in enumerate(load.units):
        if all(load.faults[name] in ("", "dies", "raises") for name in load.names(number)):
            both = all(load.flags(number, put_up))
            asks = not both and bool(waiting & set(load.names(number)))
            end = ("resolved" if right[number] else "wrong") if both else "person" if asks else "lost"
            counts.pairs[unit.kind, end] += 1
            counts.git[unit.kind] += git_alone(load, repository, number)
    for name, fault in load.faults.items():
        counts.tasks[fault, name in put_up | waiting and fault not in ("wrong", "impossible")] += 1
    for patch in ready:
        alone, _ = together(repository, tree, [patch])
        counts.up[all(answers(load, alone, set(names_in(patch))))] += 1
    counts.deaths += done.deaths


def names_in(patch: Patch) -> list[str]:
    """The edits that a patch says it holds; of merged ones, all."""
    return patch.about.description.split("; ")


def together(repository: Repository, tree: str, patches: Sequence[Patch]) -> tuple[str, list[Patch]]:
    """The module with these patches in it, merged by git, and those of them that merge."""
    merging = []
    for patch in patches:
        try:
            tree = after(repository, tree, [patch.content])
            merging.append(patch)
        except UserError as error:
            print(f"does not merge with the others: {patch.about.description}: {error}")
    return texts_at(repository, tree, [MODULE])[MODULE] or "", merging


def answers(load: Load, text: str, names: Collection[str]) -> list[bool]:
    """For each unit, whether it gives the right values with the named edits in it."""
    expected = [unit.expect(load.flags(number, names)) for number, unit in enumerate(load.units)]
    asked = [expression for values in expected for expression in values or ()]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MODULE).write_text(text)
        words = [sys.executable, "-S", "-c", ASK]
        done = subprocess.run(
            words, cwd=folder, input=json.dumps(asked), capture_output=True, text=True, check=False
        )
    said = dict(zip(asked, json.loads(done.stdout), strict=True)) if done.returncode == 0 else {}
    return [
        values is not None and all(said.get(asked) == told(value) for asked, value in values.items())
        for values in expected
    ]


def told(value: object) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)


def git_alone(load: Load, repository: Repository, number: int) -> bool:
    """Whether git's three-way merge of the pair's two texts is clean, and right."""
    base = program(list(load.units))
    sides = []
    for edit in load.units[number].edits:
        text = base
        for old, new in edit.pairs:
            text = text.replace(old, new, 1)
        sides.append(text)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("one", "base", "other")]
        for path, text in zip(paths, (sides[0], base, sides[1]), strict=True):
            path.write_text(text)
        answer = repository.ask("merge-file", "-p", *map(str, paths))
    return answer.code == 0 and answers(load, answer.out.decode(), load.names(number))[number]


def rows(counts: Counts) -> list[dict[str, Any]]:
    pairs = sum(counts.pairs.values())
    resolved = sum(count for (_, end), count in counts.pairs.items() if end == "resolved")
    sound = sum(count for (_, brought), count in counts.tasks.items() if brought)
    ends = Counter(end for (_, end), count in counts.pairs.items() for _ in range(count))
    noted = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    found = [
        ("conflicts resolved without a person", resolved, pairs, sum(counts.git.values()), noted),
        ("agents' success", sound, sum(counts.tasks.values()), None, f"{counts.deaths} agents died"),
        ("right of what is put up", counts.up[True], sum(counts.up.values()), None, "by the held-out judge"),
    ]
    return [
        {"what": what, "ours": part / whole, "peer": None if git is None else git / whole,
         "ratio": part / git if git else None, "unit": f"of {whole}", "bar": f">= {BARS[what]}",
         "higher_is_better": True, "met": part / whole >= BARS[what], "note": note}
        for what, part, whole, git, note in found
    ]  # fmt: skip


def report(counts: Counts) -> None:
    for kind in sorted({kind for kind, _ in counts.pairs}):
        ends = {end: count for (one, end), count in counts.pairs.items() if one == kind}
        print(f"{kind:32} {ends}  git alone {counts.git[kind]}")
    for fault, brought in sorted(counts.tasks):
        print(f"fault {fault or 'none':14} a sound patch: {brought!s:6} {counts.tasks[fault, brought]}")
    for row in rows(counts):
        print(f"{row['what']:38} {row['ours']:.3f} {row['unit']} (bar {row['bar']})  {row['note']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--agents", type=int, default=2)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    set_level("error")
    counts, began = Counts(), time.monotonic()
    for seed in given.seeds:
        measure(seed, given.pairs, given.agents, counts)
        print(f"seed {seed}: {time.monotonic() - began:.0f} s", flush=True)
    report(counts)
    if given.json:
        result: dict[str, Any] = {
            "name": "coordinating",
            "command": "python -m benchmarks.coordinating",
            "rows": rows(counts),
        }
        given.json.write_text(json.dumps(result | {"seconds": time.monotonic() - began}, indent=1) + "\n")


if __name__ == "__main__":
    main()
