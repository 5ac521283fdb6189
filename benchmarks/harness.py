"""Run the benchmarks, keep what they measured, and compare it with the stored baseline.

    python -m benchmarks.harness                    # run all, write .benchmarks/latest.json
    python -m benchmarks.harness --only recall      # some
    python -m benchmarks.harness --compare          # and flag what is worse than benchmarks/baseline.json
    python -m benchmarks.harness --save-baseline    # and store it as the new baseline
    python -m benchmarks.harness --table            # and write the table in docs/benchmarks.md
    python -m benchmarks.harness --no-run --table   # from the latest results

A benchmark is a script here, or a package with a `__main__.py`, which has the option `--json PATH` and writes

    {"name": str, "command": str, "seconds": float, "rows": [{"what": str, "ours": float,
     "peer": float | null, "ratio": float | null, "unit": str, "bar": str,
     "higher_is_better": bool (of the ratio), "met": bool | null, "note": str}]}

and ends with exit code 0, bars met or not: another code, or another JSON, is told as "did not finish".

Peers (folders below peers/) are installed into .benchmarks/envs/<peer>/, pinned, with our build of torch; a
benchmark finds that folder in BLOOMERY_PEERS. Only ratios are compared: both sides of a ratio are measured in
one run on one machine, an absolute time is not.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
LATEST = ROOT / ".benchmarks" / "latest.json"
BASELINE = FOLDER / "baseline.json"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench-table:begin", "<!-- bench-table:end -->"
# Ratios of CPU times vary by up to a quarter between quiet runs on two shared cores; less is not news.
TOLERANCE = 0.25
ROW_KEYS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("what", "unit", "bar", "note"), (str,)),
    **dict.fromkeys(("ours", "peer", "ratio"), (int, float, type(None))),
    "higher_is_better": (bool,),
    "met": (bool, type(None)),
}
OPTION = re.compile(r'add_argument\(\s*"--json"')
VERSIONS = ("bloomery", "torch", "transformers", "numpy")


@dataclass(frozen=True)
class Regression:
    benchmark: str
    what: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"worse than the baseline: {self.benchmark}: {self.what}: {self.before} -> {self.now}"


def scripts(only: list[str] | None = None) -> list[Path]:
    """The benchmarks, by name: scripts, and the `__main__.py` of packages."""
    paths = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("*/__main__.py")], key=name_of)
    found = {name_of(path): path for path in paths if OPTION.search(path.read_text())}
    found.pop(Path(__file__).stem, None)
    unknown = set(only or ()) - set(found)
    if unknown:
        raise SystemExit(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    return [path for name, path in found.items() if not only or name in only]


def name_of(path: Path) -> str:
    return path.parent.name if path.stem == "__main__" else path.stem


def checked(result: Any, source: str) -> dict[str, Any]:
    """A benchmark's result, or an error that says what it left out or what is of another kind."""
    if not isinstance(result, dict):
        raise ValueError(f"{source}: its JSON is no object")
    missing = {"name", "command", "rows", "seconds"} - set(result)
    rows = result.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{source}: its rows are no list of objects")
    missing |= {f"rows[].{key}" for row in rows for key in set(ROW_KEYS) - set(row)}
    if missing:
        raise ValueError(f"{source}: its JSON lacks {', '.join(sorted(missing))}")
    odd = {key for row in rows for key, kinds in ROW_KEYS.items() if not isinstance(row[key], kinds)}
    if odd:
        raise ValueError(f"{source}: of another kind than told: rows[].{', rows[].'.join(sorted(odd))}")
    return result


def command_of(path: Path) -> list[str]:
    return ["-m", f"benchmarks.{name_of(path)}"] if path.stem == "__main__" else [str(path)]


def run_one(script: Path, folder: Path) -> dict[str, Any]:
    """Run one benchmark; a failure is a result that says so, not a missing row."""
    name = name_of(script)
    out = folder / f"{name}.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, *command_of(script), "--json", str(out)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BLOOMERY_PEERS": str(ROOT / ".benchmarks" / "envs")}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=env)
    failure = f"exit code {done.returncode}, {'no' if not out.exists() else 'some'} result"
    if not done.returncode and out.exists():
        try:
            return checked(json.loads(out.read_text()), name)
        except ValueError as error:
            failure = str(error)
    shown = f"python -m benchmarks.{name}"
    seconds = time.perf_counter() - started
    return {"name": name, "command": shown, "rows": [], "seconds": seconds, "failed": failure}


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def surroundings() -> dict[str, Any]:
    """What a reader must know to judge the figures: hardware, versions, code."""
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: installed(package) for package in VERSIONS},
        "revision": revision.stdout.strip() or None,
        "date": time.strftime("%Y-%m-%d"),
    }


def run_all(only: list[str] | None) -> dict[str, Any]:
    """Run the benchmarks; those that are not asked for keep their latest result."""
    LATEST.parent.mkdir(exist_ok=True)
    kept = load(LATEST)["benchmarks"] if only and LATEST.exists() else []
    new = []
    for script in scripts(only):
        print(f"benchmarks: {name_of(script)} ...", flush=True)
        new.append({**run_one(script, LATEST.parent), "surroundings": surroundings()})
        names = {result["name"] for result in new}
        merged = sorted(
            [*new, *(old for old in kept if old["name"] not in names)], key=lambda one: one["name"]
        )
        LATEST.write_text(json.dumps({"benchmarks": merged}, indent=1) + "\n")
    return load(LATEST)


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def rows_by_key(results: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["name"], row["what"]): row for one in results["benchmarks"] for row in one["rows"]}


def is_worse(before: dict[str, Any], now: dict[str, Any], tolerance: float) -> bool:
    """Whether a ratio fell behind by more than the tolerance, or a bar that was met no longer is."""
    if before["met"] and not now["met"]:
        return True
    if before["ratio"] is None:
        return False
    if now["ratio"] is None:
        return True
    if now["higher_is_better"]:
        return now["ratio"] < before["ratio"] * (1 - tolerance)
    return now["ratio"] > before["ratio"] * (1 + tolerance)


def described(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not measured"
    ratio = "no ratio" if row["ratio"] is None else f"ratio {row['ratio']:.3g}"
    return ratio + {True: ", bar met", False: ", bar not met", None: ""}[row["met"]]


def regressions(
    baseline: dict[str, Any], latest: dict[str, Any], tolerance: float = TOLERANCE
) -> list[Regression]:
    """What is worse now, or no longer measured; a benchmark that was not run is not compared."""
    ran = {one["name"] for one in latest["benchmarks"]}
    now = rows_by_key(latest)
    return [
        Regression(name, what, described(before), described(now.get((name, what))))
        for (name, what), before in rows_by_key(baseline).items()
        if name in ran and ((name, what) not in now or is_worse(before, now[name, what], tolerance))
    ]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def table(results: dict[str, Any]) -> str:
    """The results as Markdown: one table a benchmark, with its command and where it ran."""
    parts = []
    for one in results["benchmarks"]:
        lines = [f"## {one['name'].replace('_', ' ').capitalize()}", ""]
        if one.get("failed"):
            lines += [f"Did not finish: {one['failed']}.", ""]
        else:
            lines += ["| what | ours | peer | ratio | bar | met | |", "|---|---:|---:|---:|---|---|---|"]
            lines += [table_row(row) for row in one["rows"]] + [""]
        around = one["surroundings"]
        packages = ", ".join(f"{name} {value}" for name, value in around["versions"].items() if value)
        lines.append(
            f"`{one['command']}`, {one['seconds']:.0f} s on {around['processor']}, {around['cores']} cores; "
            f"Python {around['python']}, {packages}; {around['date']}."
        )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def table_row(row: dict[str, Any]) -> str:
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    ours, peer = (
        f"{number(row[key])} {row['unit']}".strip() if row[key] is not None else ""
        for key in ("ours", "peer")
    )
    cells = [row["what"], ours, peer, number(row["ratio"]), row["bar"], met, row["note"]]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def with_table(page: str, rendered: str) -> str:
    """The page with what stands between the two marks replaced."""
    head, begin, rest = page.partition(BEGIN)
    mark, _, _ = rest.partition("\n")
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN} ... {END}")
    return f"{head}{begin}{mark}\n\n{rendered}\n\n{end}{tail}"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--no-run", action="store_true", help="use the latest results")
    parser.add_argument(
        "--compare", action="store_true", help="exit code 1 if something is worse than the baseline"
    )
    parser.add_argument("--save-baseline", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="of a ratio, relative (%(default)s)"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    asked = parse(arguments)
    if asked.no_run and not LATEST.exists():
        raise SystemExit(f"{LATEST.relative_to(ROOT)} is missing: run once without --no-run")
    latest = load(LATEST) if asked.no_run else run_all(asked.only)
    failed = [one for one in latest["benchmarks"] if one.get("failed")]
    for one in failed:
        print(f"benchmarks: {one['name']} did not finish: {one['failed']}")
    worse = compared(latest, asked.tolerance) if asked.compare else []
    if asked.table:
        PAGE.write_text(with_table(PAGE.read_text(), table(latest)))
    if asked.save_baseline and not failed:
        BASELINE.write_text(json.dumps(latest, indent=1) + "\n")
    return 1 if worse or failed else 0


def compared(latest: dict[str, Any], tolerance: float) -> list[Regression]:
    if not BASELINE.exists():
        print("benchmarks: no baseline yet; --save-baseline stores one")
        return []
    worse = regressions(load(BASELINE), latest, tolerance)
    print("\n".join(map(str, worse)) or "benchmarks: nothing is worse than the baseline")
    return worse


if __name__ == "__main__":
    sys.exit(main())
