"""Generated tests against Pynguin's, and mutants a second against mutmut's, on ten small modules.

    python -m benchmarks.testgen --pynguin VENV --mutmut VENV  # --only NAME ..., --effort quick, --json FILE,
                                                           # --details FILE: what became of each

VENV is a folder with a virtual environment in which that tool is installed (mutmut's with cosmic-ray and
pytest, too); neither is a dependency. Without the options the folders pynguin and mutmut of BLOOMERY_PEERS
are taken; where one is missing, its rows say so and judge nothing. Modules of `benchmarks/tested/developed`
were there while the generator was written; those of `held` were written for this comparison and took no part.

Each generator gets a module and no tests. Its suite is judged by two sets of wrong versions: those of
`source.mutating`, which our generator looks at while it works, and cosmic-ray's, which it never sees. Pynguin
gets our processor time: it stops where it has run all branches, and is then asked again with another seed;
the suites count together. Its tests that are marked as expected to fail are repaired first (`pytest.raises`
around the last statement instead of `xfail`): as they are, any later failure would count as the expected one.
Processor time counts everything that is started.
"""

import argparse
import ast
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import telling
from bloomery.core import sandbox
from bloomery.source.boxing import boxed
from bloomery.source.mutating import Trying, kill_tables, killing
from bloomery.source.mutating.mutants import Mutant
from bloomery.source.python import Parsed, functions, parse
from bloomery.source.testing import generate
from bloomery.source.testing.proving import Proof, prove, put
from bloomery.source.testing.searching import all_mutants

FOLDER = Path(__file__).parent / "tested"
COSMIC = """
import json, sys
from cosmic_ray import plugins
from cosmic_ray.mutating import mutate_code
text, found = sys.stdin.read(), []
for name in plugins.operator_names():
    if "Variable" in name:  # these want to be told which
        continue
    operator, at = plugins.get_operator(name)(), 0
    while (made := mutate_code(text, operator, at)) is not None:
        found.append([name, made])
        at += 1
print(json.dumps(found))
"""
COUNTED = '"$@"; code=$?; times >> "$0"; exit $code'
PYNGUIN_S, MOST_SEEDS = 600, 6


@dataclass(frozen=True)
class Suite:
    """One generator's tests of one module, judged. Units: seconds of all processors, and of the clock."""

    tests: int
    passing: int
    cpu_s: float
    seconds: float
    killed: int
    mutants: int
    cosmic_killed: int
    cosmic: int


def main() -> None:
    options, began = _options(), time.monotonic()
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("*/*.py")):
        if options.only and path.stem not in options.only:
            continue
        text, cpu_s, seconds = _ours(path, options.effort)
        row: dict[str, Any] = {"set": path.parent.name}
        cosmic = _cosmic(path, options.mutmut) if options.mutmut else ()
        suites = {"bloomery": ([text], cpu_s, seconds)}
        if options.pynguin:
            suites["pynguin"] = _pynguin(path, options.pynguin, cpu_s)
        row |= {tool: asdict(suite) for tool, suite in _judged(path, suites, cosmic).items()}
        if options.mutmut and options.rates:
            row["rate"] = _rates(path, text, options.mutmut)
        found[path.stem] = row
        print(path.stem, json.dumps(row), flush=True)
    if options.details:
        options.details.write_text(json.dumps(found, indent=2))
    _print(found)
    if options.json:
        spent = time.monotonic() - began
        telling.write(options.json, "testgen", rows(found), spent, f"--effort {options.effort}")


def rows(found: Mapping[str, Mapping[str, Any]]) -> list[telling.Row]:
    """Mutants killed beside Pynguin's tests on the same modules, and mutants a second beside mutmut's."""
    told = [
        _killed(chosen, kind, some)
        for chosen in ("all", "developed", "held")
        for kind in ("ours", "cosmic-ray's")
        if (some := [row for row in found.values() if chosen in ("all", row["set"])])
    ]
    return [*told, *_rate([row["rate"] for row in found.values() if "rate" in row])]


def _killed(chosen: str, kind: str, some: Sequence[Mapping[str, Any]]) -> telling.Row:
    keys = ("killed", "mutants") if kind == "ours" else ("cosmic_killed", "cosmic")
    what = f"mutants killed ({kind}), {chosen} modules"
    ours, mutants = (sum(row["bloomery"][key] for row in some) for key in keys)
    spent = sum(row["bloomery"]["cpu_s"] for row in some)
    note = f"{ours} of {mutants}, {len(some)} modules, {spent:.0f} CPU s"
    bar = "> 1 times Pynguin's"
    if not mutants or any("pynguin" not in row for row in some):
        why = "without cosmic-ray's mutants" if not mutants else "without Pynguin"
        return telling.row(
            what, float(ours), "mutants", f"{note}; {why}, not judged", bar="> 1 times Pynguin's"
        )
    peer = sum(row["pynguin"][keys[0]] for row in some)
    note += f"; Pynguin {peer} in {sum(row['pynguin']['cpu_s'] for row in some):.0f} CPU s"
    judged = {"peer": float(peer), "ratio": ours / peer if peer else None, "met": ours > peer}
    return telling.row(what, float(ours), "mutants", note, bar=bar, **judged)


def _rate(some: Sequence[Mapping[str, float]]) -> list[telling.Row]:
    """Of all modules together: mutants by the processor time that all of them took."""
    if not some or not all(one["bloomery_per_cpu_s"] and one["mutmut_per_cpu_s"] for one in some):
        note = "mutmut is missing or judged no mutant of a module: not judged"
        return [telling.row("mutants a CPU second", None, "", note, bar=">= 1 times mutmut's")]
    counts = [sum(one[f"{tool}_mutants"] for one in some) for tool in ("bloomery", "mutmut")]
    spent = [
        sum(one[f"{tool}_mutants"] / one[f"{tool}_per_cpu_s"] for one in some)
        for tool in ("bloomery", "mutmut")
    ]
    ours, peer = counts[0] / spent[0], counts[1] / spent[1]
    note = f"{counts[0]:g} and {counts[1]:g} mutants of {len(some)} modules"
    judged = {"peer": peer, "ratio": ours / peer, "met": ours >= peer}
    return [telling.row("mutants a CPU second", ours, "/s", note, bar=">= 1 times mutmut's", **judged)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pynguin", type=Path, help="a virtual environment with pynguin")
    parser.add_argument(
        "--mutmut", type=Path, help="a virtual environment with mutmut, cosmic-ray and pytest"
    )
    parser.add_argument("--rates", action="store_true", help="mutants a second, against mutmut's")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--json", type=Path, help="rows for the harness, with the rates")
    parser.add_argument("--details", type=Path, help="what became of each")
    options = parser.parse_args()
    options.pynguin, options.mutmut = (
        getattr(options, name) or _installed(name) for name in ("pynguin", "mutmut")
    )
    options.rates |= options.json is not None
    return options


def _installed(peer: str) -> Path | None:
    folder = Path(os.environ.get("BLOOMERY_PEERS", "")) / peer
    return folder if (folder / "bin" / peer).exists() else None


def _ours(path: Path, effort: Any) -> tuple[str, float, float]:
    with _project(path) as root, _counting() as cpu_s:
        began = time.monotonic()
        made = generate(root, path.name, seed=0, effort=effort)
        return made.text, cpu_s(), time.monotonic() - began


@contextmanager
def _project(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bloomery-testgen-") as name:
        shutil.copy(path, name)
        yield Path(name).resolve()


@contextmanager
def _counting() -> Iterator[Callable[[], float]]:
    """The processor time of this process and of all that runs in sandboxes meanwhile."""
    spent: list[float] = []
    began = time.process_time()
    children = _children_s()

    def run(argv: Sequence[str], *, folder: Path, **given: Any) -> Any:
        told = folder / "times.txt"
        told.unlink(missing_ok=True)
        result = sandbox.run(["/bin/bash", "-c", COUNTED, str(told), *argv], folder=folder, **given)
        if told.exists():
            spent.append(sum(map(_seconds, told.read_text().split())))
        return result

    with (
        patch("bloomery.source.running.run", run),
        patch("bloomery.source.testing.trying.run", run),
    ):
        yield lambda: sum(spent) + time.process_time() - began + _children_s() - children


def _seconds(text: str) -> float:
    minutes, _, seconds = text.rstrip("s").partition("m")
    return 60 * float(minutes) + float(seconds)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pynguin(path: Path, venv: Path, at_least_s: float) -> tuple[list[str], float, float]:
    """Repaired suites of as many seeds as it takes to have had as much processor time as ours."""
    texts: list[str] = []
    began, before = time.monotonic(), _children_s()
    while _children_s() - before < at_least_s and len(texts) < MOST_SEEDS:
        with _project(path) as root:
            words = ["--project-path", str(root), "--module-name", path.stem]
            words += ["--output-path", str(root / "out"), "--seed", str(len(texts))]
            words += ["--maximum-search-time", str(max(5, round(at_least_s)))]
            subprocess.run(
                [str(venv / "bin" / "pynguin"), *words, "--assertion-generation", "MUTATION_ANALYSIS"],
                env={**os.environ, "PYNGUIN_DANGER_AWARE": "1", "PYTHONHASHSEED": "0"},
                capture_output=True, check=False, timeout=PYNGUIN_S,
            )  # fmt: skip
            files = sorted((root / "out").glob("test_*.py"))
            texts.append(repaired(files[0].read_text()) if files else "")
    return texts, _children_s() - before, time.monotonic() - began


def repaired(text: str) -> str:
    """Tests that are marked as expected to fail, with `pytest.raises` around their last statement instead."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        marks = [one for one in node.decorator_list if "xfail" in ast.unparse(one)]
        if marks:
            node.decorator_list = [one for one in node.decorator_list if one not in marks]
            raises = ast.parse("pytest.raises(BaseException)", mode="eval").body
            node.body[-1] = ast.With([ast.withitem(raises)], [node.body[-1]])
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _judged(
    path: Path, suites: Mapping[str, tuple[list[str], float, float]], cosmic: Sequence[tuple[str, str]]
) -> dict[str, Suite]:
    """All suites at once, by the same mutants in the same process."""
    with _project(path) as root, boxed(root) as box:
        parsed = parse(box.project / path.name)
        ours = frozenset(all_mutants(parsed, 10_000, 0))
        foreign = frozenset(_as_mutants(parsed, cosmic)) - ours
        files = {
            f"test_{tool}_{at}.py": text
            for tool, (texts, _, _) in suites.items()
            for at, text in enumerate(texts)
            if text.strip()
        }
        for name, text in files.items():
            put(box, name, text)
        with patch.object(killing, "mutants", _of(sorted(ours | foreign, key=lambda one: one.start))):
            proof = prove(box, parsed, list(files), twice=False)
    return {tool: _suite(tool, proof, ours, foreign, suites[tool][1:]) for tool in suites}


def _suite(
    tool: str, proof: Proof, ours: frozenset[Mutant], foreign: frozenset[Mutant], spent: tuple[float, float]
) -> Suite:
    mine = [kills for node, kills in proof.kills.items() if node.startswith(f"test_{tool}_")]
    killed = frozenset[Mutant]().union(*mine)
    lost = sum(node.startswith(f"test_{tool}_") for node in proof.dropped)
    judged = (len(killed & ours), len(ours), len(killed & foreign), len(foreign))
    return Suite(len(mine) + lost, len(mine), *spent, *judged)


def _of(mutants: Sequence[Mutant]) -> Callable[..., tuple[Mutant, ...]]:
    return lambda _, name, **__: tuple(one for one in mutants if one.function == name)


def _cosmic(path: Path, venv: Path) -> tuple[tuple[str, str], ...]:
    done = subprocess.run(
        [venv / "bin" / "python", "-c", COSMIC],
        input=path.read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple((name, text) for name, text in json.loads(done.stdout))


def _as_mutants(parsed: Parsed, texts: Sequence[tuple[str, str]]) -> Iterator[Mutant]:
    """Foreign mutants as ours are described; those outside of functions' bodies are left out."""
    seen: set[str] = set()
    for name, text in texts:
        if text in seen or not _compiles(text):
            continue
        seen.add(text)
        old = parsed.text
        start = next((at for at, (a, b) in enumerate(zip(old, text, strict=False)) if a != b), len(old))
        tail = 0
        while tail < min(len(old), len(text)) - start and old[-1 - tail] == text[-1 - tail]:
            tail += 1
        line = old.count("\n", 0, start) + 1
        for function, node in functions(parsed.tree).items():
            last = node.end_lineno or 0
            if "<locals>" not in function and node.body[0].lineno <= line <= last:
                before, after = old[start : len(old) - tail], text[start : len(text) - tail]
                lines = _statement(node, line)
                yield Mutant(function, name, line, 0, before, after, start, len(old) - tail, lines)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _statement(node: ast.AST, line: int) -> tuple[int, int]:
    """The lines of the innermost statement at a line; of a compound one its head."""
    found = (line, line)
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.stmt)
            and inner is not node
            and inner.lineno <= line <= (inner.end_lineno or 0)
        ):
            body = getattr(inner, "body", None)
            last = body[0].lineno - 1 if body else inner.end_lineno or inner.lineno
            if line <= max(last, inner.lineno):
                found = (inner.lineno, max(last, inner.lineno))
    return found


def _rates(path: Path, tests: str, venv: Path) -> dict[str, float]:
    """Mutants a second of processor time and of the clock, each judged by the same tests, until one fails."""
    found: dict[str, float] = {}
    with _project(path) as root:
        (root / "tests").mkdir()
        (root / "tests" / "test_it.py").write_text(tests)
        parsed = parse(root / path.name)
        names = [name for name in functions(parsed.tree) if "<locals>" not in name]
        began, before, own = time.monotonic(), _children_s(), time.process_time()
        trying = Trying(python=str(venv / "bin" / "python"))
        tables = kill_tables(root, [(parsed, name) for name in names], ["tests"], trying)
        cpu_s = _children_s() - before + time.process_time() - own
        count = sum(len(table.trials) for table in tables)
        found |= {"bloomery_mutants": count, "bloomery_per_cpu_s": count / cpu_s}
        found["bloomery_per_s"] = count / (time.monotonic() - began)
        (root / "setup.cfg").write_text(f"[mutmut]\npaths_to_mutate={path.name}\ntests_dir=tests\n")
        began, before = time.monotonic(), _children_s()
        command = [str(venv / "bin" / "mutmut"), "run", "--max-children", "1"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        seconds, cpu_s = time.monotonic() - began, _children_s() - before
        count = sum(
            len(json.loads(one.read_text())["exit_code_by_key"]) for one in root.glob("mutants/**/*.meta")
        )
        if not count:
            print(path.stem, "mutmut:", (done.stdout + done.stderr)[-400:], file=sys.stderr)
        found |= {"mutmut_mutants": count, "mutmut_per_cpu_s": count / cpu_s}
        found["mutmut_per_s"] = count / seconds
    return found


def _print(rows: dict[str, dict[str, Any]]) -> None:
    for name, row in rows.items():
        said = [f"{name:16}{row['set']:10}"]
        for tool in ("bloomery", "pynguin"):
            if tool in row:
                one = Suite(**row[tool])
                said.append(
                    f"{tool} {one.killed}/{one.mutants} cosmic {one.cosmic_killed}/{one.cosmic} "
                    f"{one.tests} tests {one.cpu_s:.1f} CPU s"
                )
        print("  ".join(said))
    for chosen in ("developed", "held"):
        for tool in ("bloomery", "pynguin"):
            some = [Suite(**row[tool]) for row in rows.values() if row["set"] == chosen and tool in row]
            if some:
                killed, mutants = sum(one.killed for one in some), sum(one.mutants for one in some)
                foreign, there = sum(one.cosmic_killed for one in some), sum(one.cosmic for one in some)
                spent = sum(one.cpu_s for one in some)
                print(f"{chosen} {tool}: {killed}/{mutants}, cosmic-ray {foreign}/{there}, {spent:.0f} CPU s")


if __name__ == "__main__":
    main()
