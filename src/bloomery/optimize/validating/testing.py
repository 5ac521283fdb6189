"""Tests run behind the sandbox's walls, each file of them in a process of its own."""

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import BloomeryError
from bloomery.core.sandbox import SandboxResult, read_result
from bloomery.optimize.validating.canary import Canary, doubted, new_canary
from bloomery.optimize.validating.copying import LIMITS, Workplace, workplace
from bloomery.optimize.validating.lacking import NotInstalled
from bloomery.optimize.validating.options import listed, options
from bloomery.source.modules import pytest_options, source_roots
from bloomery.source.outcomes import Results, read_results
from bloomery.source.running import INSIDE as OUTCOMES

INSIDE = Path(__file__).parent / "inside"
RECORD_BYTES = 512 * 2**20
_LEFT_OUT = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class Seen:
    """What a unit, or a test of it, did: lines by file, files that it read, those of which Hypothesis took
    the constants, what kept it from being seen."""

    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    quoted: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Tried:
    """`results`: outcomes by test; `units`: seconds by file; `seen`: by test, by unit, "" for the import.
    `decided`: the test that failed and was enough; what came after it was not run.
    """

    results: Results
    units: Mapping[str, float]
    seen: Mapping[str, Seen]
    trouble: str = ""
    decided: str = ""

    def statuses(self) -> dict[str, str]:
        return {one.node: one.status for one in self.results.outcomes}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Wall time that tests may take, in seconds: of a file `limits_s`, by its name, `limit_s` for the others;
    all imports `import_s`, everything `whole_s`. `test_s`: processor time of one test; 0: as it wants.
    """

    limit_s: float = 300.0
    limits_s: Mapping[str, float] = field(default_factory=dict)
    import_s: float = 120.0
    whole_s: float = 3600.0
    test_s: float = 0.0


USUAL = Pace()
ONE_TEST_S = 2.0
"""Where the goal is a fix: a test that uses more processor time before the change fails without an end."""


def targets_of(tree: Path, tests: Sequence[str]) -> tuple[str, ...]:
    """The files and folders of tests: those given, else what the settings name, else its folders."""
    if tests:
        return tuple(tests)
    found = listed(pytest_options(tree).get("testpaths", []))
    return tuple(found) or (("tests",) if (tree / "tests").is_dir() else (".",))


def try_tests(
    tree: Path,
    targets: Sequence[str],
    *,
    lines: bool = False,
    pace: Pace = USUAL,
    added: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    decisive: Sequence[str] = (),
) -> Tried:
    """Run the tests that `targets` name on a copy of a tree, with files `added` to the copy and tests
    `without` left out; `lines`: note which lines each of them runs. Of `decisive` ones the first that fails
    is the last one that is run.

    Raises: CapabilityMissing where pytest is not installed, or coverage for `lines`.
    """
    for package in ("pytest", *(["coverage"] if lines else [])):
        if importlib.util.find_spec(package) is None:
            raise NotInstalled(f"existing tests need {package}: install bloomery[optimize]")
    with workplace(tree) as place:
        for path, text in (added or {}).items():
            (place.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (place.tree / path).write_text(text)
        there = [one for one in targets if (place.tree / one.partition("::")[0]).exists()]
        if not there:
            return Tried(read_results(place.tree, targets, (), "", ""), {}, {}, "none of the tests is there")
        words, functions = options(place.tree, there)
        canary = new_canary(functions)
        job = _job(place, there, lines, pace, canary) | {"without": list(without), "decisive": list(decisive)}
        ended = _run(place, [*words, *files_of(there)], job, pace, canary)
        told = _events(place)
        events = canary.without(told)
        why = _end_of(ended, events, pace)
        output = (ended.stdout + ended.stderr)[-20_000:]
        results = read_results(place.tree, targets, events, why, output)
    results = doubted(_told_why(results, events), canary.spared(told))
    decided = next((str(event["node"]) for event in events if event["event"] == "decided"), "")
    return Tried(results, _units(events), _seen(events), why, decided)


def files_of(targets: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(target.partition("::")[0] for target in targets))


def _run(
    place: Workplace, words: Sequence[str], job: Mapping[str, Any], pace: Pace, canary: Canary
) -> SandboxResult:
    for folder in (OUTCOMES, INSIDE):
        shutil.copytree(folder, place.beside / "inside", dirs_exist_ok=True, ignore=_LEFT_OUT)
    (place.beside / f"{canary.name}.py").write_text(canary.text)
    (place.beside / "record.jsonl").touch()
    (place.beside / "job.json").write_text(json.dumps(job))
    (place.beside / "tmp").mkdir()
    variables = {
        "PYTHONPATH": ":".join([str(place.beside / "inside"), *map(str, source_roots(place.tree))]),
        "BLOOMERY_JOB": str(place.beside / "job.json"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(place.beside / "hypothesis"),
        "HOME": str(place.beside),
        "TMPDIR": str(place.beside / "tmp"),
    }
    ours = [f"--basetemp={place.beside / 'basetemp'}", "-p", "bloomery_outcomes", "-p", "bloomery_units"]
    words = [sys.executable, "-m", "pytest", *ours, *words, str(place.beside / f"{canary.name}.py")]
    return place.run(words, limits=replace(LIMITS, time_s=pace.whole_s), variables=variables)


def _job(place: Workplace, targets: Sequence[str], lines: bool, pace: Pace, canary: Canary) -> dict[str, Any]:
    single = any("::" in target for target in targets)
    return {
        "record": str(place.beside / "record.jsonl"),
        "wanted": list(dict.fromkeys(targets)) if single else [],
        "files": [f"{place.tree}/*"] if lines else [],
        "tree": str(place.tree),
        "last": canary.name,
        "import_s": pace.import_s,
        "limit_s": pace.limit_s,
        "limits_s": dict(pace.limits_s),
        "test_s": pace.test_s,
    }


def _events(place: Workplace) -> list[dict[str, Any]]:
    """What the plugins wrote down; it comes from untrusted code and is only compared."""
    try:
        data = read_result(place.folder, "beside/record.jsonl", most_bytes=RECORD_BYTES)
    except BloomeryError:
        return []
    found = []
    for line in data.decode(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a torn last line tells nothing
        if isinstance(event, dict) and "event" in event:
            found.append(event)
    return found


def _end_of(ended: SandboxResult, events: Sequence[Mapping[str, Any]], pace: Pace) -> str:
    """Why the process ended before its tests did; empty where it did not."""
    if any(event["event"] == "finished" for event in events):
        return ""
    if ended.killed_by == "time":
        return f"all tests together took more than {pace.whole_s:g} s"
    if ended.killed_by:
        return f"killed at the limit of {ended.killed_by}"
    if not events or ended.returncode not in range(2, 6):
        last = re.sub(r"\s+", " ", (ended.stderr or ended.stdout)[-300:]).strip()
        return f"pytest ended with {ended.returncode} before its tests did: {last}"
    return ""


def _told_why(results: Results, events: Sequence[Mapping[str, Any]]) -> Results:
    """The tests of a unit that had to be ended say so."""
    ended = {e["unit"]: e["code"] for e in events if e["event"] == "unit" and e["code"] != 0}
    why = {
        unit: "it did not end within the time limit" if code is None else f"its process ended with {code}"
        for unit, code in ended.items()
    }
    told = tuple(
        replace(one, reason=f"{why[unit]} ({one.reason.partition('(')[2]}")
        if one.status == "not run" and (unit := one.node.partition("::")[0]) in why
        else one
        for one in results.outcomes
    )
    return replace(results, outcomes=told)


def _units(events: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {event["unit"]: float(event["seconds"]) for event in events if event["event"] == "unit"}


def _seen(events: Sequence[Mapping[str, Any]]) -> dict[str, Seen]:
    """By test node, by unit (all that it did), and "" for what the import and the collection did."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["event"] == "ran":
            _add_lines(found, event)
        elif event["event"] == "looked":
            names = {"import": [""], "unit": [event["name"]]}.get(
                event["kind"], [event["name"], event["name"].partition("::")[0]]
            )
            for name in names:
                one = found.setdefault(name, {})
                for key in ("opened", "quoted", "apart"):
                    one.setdefault(key, set()).update(event[key])
    return {
        name: Seen(
            {file: frozenset(lines) for file, lines in one.get("lines", {}).items()},
            *(frozenset(one.get(key, ())) for key in ("opened", "quoted", "apart")),
        )
        for name, one in found.items()
    }


def _add_lines(found: dict[str, dict[str, Any]], event: Mapping[str, Any]) -> None:
    """What runs before any test counts for the import; in a fork what no test runs counts for its unit."""
    unit = "" if event["unit"] == "import" else event["unit"]
    for context, lines in event["lines"].items():
        kind, _, name = context.partition(" ")
        for owner in {unit, name} if kind == "test" else {unit}:
            found.setdefault(owner, {}).setdefault("lines", {}).setdefault(event["file"], set()).update(lines)
