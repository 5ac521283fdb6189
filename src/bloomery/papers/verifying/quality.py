"""`paper quality`: lint, format, types, tests and coverage of a project in one report.

A tool that is not installed, or did not come to an end, is `not_run`, and that is no pass. Ruff, mypy and ty
follow the project's own settings; of coverage only `src` (else the project without its tests) is counted.
"""

import json
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bloomery.core.errors import CapabilityMissing, MissingFile
from bloomery.core.evidence import Bar, Check, Evidence, Verdict, gate, judge, not_run
from bloomery.papers.verifying.running import Ended, Say, stream
from bloomery.source.running import has

CHECKS = {
    "lint": Check(name="lint", bar=Bar(op="==", value=0), unit="findings", meaning="of ruff"),
    "format": Check(name="format", bar=Bar(op="==", value=0), unit="files", meaning="that ruff would change"),
    "types": Check(name="types", bar=Bar(op="==", value=0), unit="errors", meaning="of mypy or ty"),
    "tests": Check(name="tests", bar=Bar(op="==", value=0), unit="failures", meaning="of pytest"),
    "coverage": Check(
        name="coverage", bar=Bar(op=">=", value=80), unit="%", meaning="of lines, by the tests"
    ),
}
NOT_OURS = {"PYTEST_ADDOPTS": "", "COVERAGE_PROCESS_START": "", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Quality:
    """One piece of evidence for each check, in the order of CHECKS."""

    evidence: tuple[Evidence, ...]

    @property
    def verdict(self) -> Verdict:
        return gate(self.evidence, list(CHECKS.values()))

    @property
    def exit_code(self) -> int:
        return 0 if self.verdict.passed else 1


@dataclass(frozen=True)
class _Project:
    root: Path
    python: str
    scratch: Path
    time_limit_s: float
    say: Say | None

    def run(self, command: Sequence[str]) -> tuple[Ended, list[str], float]:
        """How a command ended, its lines, and the seconds that it took."""
        lines: list[str] = []

        def keep(line: str) -> None:
            lines.append(line)
            if self.say:
                self.say(line)

        began = time.monotonic()
        ended = stream(command, self.root, limit_s=self.time_limit_s, say=keep, env=NOT_OURS)
        return ended, lines, time.monotonic() - began

    def tool(self, *names: str) -> str:
        """The first of these programs that there is: beside the interpreter, or on the path."""
        for name in names:
            found = shutil.which(name, path=str(Path(self.python).parent)) or shutil.which(name)
            if found:
                return found
        raise CapabilityMissing(f"{' or '.join(names)} is not installed")

    def has(self, module: str) -> bool:
        return has(self.python, module)


def quality(
    folder: str | Path,
    *,
    python: str | None = None,
    time_limit_s: float = 1800,
    say: Say | None = None,
) -> Quality:
    """Judge a project; `python` is its interpreter (default: that of its `.venv`, else this one).

    `say` is given each line that a tool prints. Raises: MissingFile.
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise MissingFile(f"{root}: there is no such folder")
    own = root / ".venv" / "bin" / "python"
    chosen = python or (str(own) if own.exists() else sys.executable)
    with tempfile.TemporaryDirectory(prefix="bloomery-quality-") as scratch:
        project = _Project(root, chosen, Path(scratch), time_limit_s, say)
        tests, coverage = _tests(project)
        first = (
            _one("lint", _lint, project),
            _one("format", _format, project),
            _one("types", _types, project),
        )
        return Quality((*first, tests, coverage))


def render_quality(found: Quality) -> str:
    """A line for each check, and what it comes to."""
    lines = []
    for item in found.evidence:
        value = "" if item.measured is None else f"{item.measured:.4g} {item.unit} (bar {item.bar})"
        said = item.reason if item.measured is None else value
        lines.append(f"  {item.check:<9} {item.state:<8} {said}")
    passed = found.verdict.passed
    return "\n".join([*lines, "all of it passes" if passed else "not good enough"]) + "\n"


def _one(name: str, measured: Callable[[_Project], Evidence], project: _Project) -> Evidence:
    try:
        return measured(project)
    except CapabilityMissing as missing:
        return not_run(CHECKS[name], str(missing))


def _lint(project: _Project) -> Evidence:
    report = project.scratch / "ruff.json"
    command = [
        project.tool("ruff"),
        "check",
        "--no-cache",
        "--output-format=json",
        f"--output-file={report}",
        ".",
    ]
    ended, _, took_s = project.run(command)
    if ended.returncode not in (0, 1) or not report.is_file():
        return not_run(CHECKS["lint"], _why(ended, project), how=_shown(command))
    return judge(CHECKS["lint"], len(json.loads(report.read_text())), how=_shown(command), duration_s=took_s)


def _format(project: _Project) -> Evidence:
    command = [project.tool("ruff"), "format", "--check", "--no-cache", "."]
    ended, lines, took_s = project.run(command)
    changed = sum(int(n) for line in lines for n in re.findall(r"^(\d+) files? would be reformatted", line))
    if ended.returncode not in (0, 1) or bool(changed) != bool(ended.returncode):
        return not_run(CHECKS["format"], _why(ended, project), how=_shown(command))
    return judge(CHECKS["format"], changed, how=_shown(command), duration_s=took_s)


def _types(project: _Project) -> Evidence:
    program = project.tool("mypy", "ty")
    configured = (
        "[tool.mypy]" in _text(project.root / "pyproject.toml") or (project.root / "mypy.ini").is_file()
    )
    target = [] if configured else ["src" if (project.root / "src").is_dir() else "."]
    is_mypy = Path(program).stem == "mypy"
    command = [program, *target] if is_mypy else [program, "check", "--output-format=concise"]
    if is_mypy and project.python != sys.executable:
        command.append(f"--python-executable={project.python}")
    ended, lines, took_s = project.run(command)
    errors = sum(bool(re.search(r": error:|: error\[", line)) for line in lines)
    if ended.returncode not in (0, 1) and not errors:
        return not_run(CHECKS["types"], _why(ended, project), how=_shown(command))
    return judge(
        CHECKS["types"], errors or int(ended.returncode != 0), how=_shown(command), duration_s=took_s
    )


def _tests(project: _Project) -> tuple[Evidence, Evidence]:
    """The tests, run once with their lines recorded where that can be."""
    tests, coverage = CHECKS["tests"], CHECKS["coverage"]
    if not project.has("pytest"):
        reason = "pytest is not installed"
        return not_run(tests, reason), not_run(coverage, reason)
    recorded = project.has("coverage")
    report = project.scratch / "tests.xml"
    pytest = ["pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    pytest += ["--no-cov"] if project.has("pytest_cov") else []
    prefix = ["-m", "coverage", "run", f"--rcfile={_settings(project)}", "-m"] if recorded else ["-m"]
    command = [project.python, *prefix, *pytest]
    ended, _, took_s = project.run(command)
    if ended.returncode is None or not report.is_file():
        reason = _why(ended, project)
        return not_run(tests, reason, how=_shown(command)), not_run(coverage, f"the tests: {reason}")
    failures, ran = _counted(report)
    if not ran:
        reason = "no test ran: all are skipped, or there is none"
        return not_run(tests, reason, how=_shown(command)), not_run(coverage, reason)
    if not failures and ended.returncode:
        reason = f"it was ended after {ran} tests: {_why(ended, project)}"
        return not_run(tests, reason, how=_shown(command)), not_run(coverage, f"the tests: {reason}")
    found = judge(tests, failures, how=_shown(command), duration_s=took_s)
    return found, _covered(project) if recorded else not_run(coverage, "coverage is not installed")


def _counted(report: Path) -> tuple[int, int]:
    """Failures and errors, and how many tests came to an end of their own; from a JUnit file."""
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    total = {name: sum(int(suite.get(name, 0)) for suite in suites) for name in ("failures", "errors")}
    ran = sum(int(suite.get("tests", 0)) - int(suite.get("skipped", 0)) for suite in suites)
    return total["failures"] + total["errors"], ran


def _settings(project: _Project) -> Path:
    """Settings of coverage of our own: the project's may spread the data over many files."""
    file = project.scratch / "coveragerc"
    source = "src" if (project.root / "src").is_dir() else "."
    omit = "" if source == "src" else "omit =\n    tests/*\n    test_*.py\n    .venv/*\n"
    file.write_text(f"[run]\ndata_file = {project.scratch / 'lines'}\nsource = {source}\n{omit}")
    return file


def _covered(project: _Project) -> Evidence:
    report = project.scratch / "coverage.json"
    settings = f"--rcfile={project.scratch / 'coveragerc'}"
    command = [project.python, "-m", "coverage", "json", settings, "-o", str(report)]
    ended, _, took_s = project.run(command)
    if ended.returncode or not report.is_file():
        return not_run(CHECKS["coverage"], _why(ended, project), how=_shown(command))
    percent = json.loads(report.read_text())["totals"]["percent_covered"]
    return judge(CHECKS["coverage"], percent, how=_shown(command), duration_s=took_s)


def _why(ended: Ended, project: _Project) -> str:
    return ended.why(project.time_limit_s) or "it left no report"


def _shown(command: Sequence[str]) -> str:
    """The command without the folders of this machine."""
    names = [Path(command[0]).name, *(word for word in command[1:] if tempfile.gettempdir() not in word)]
    return shlex.join(names)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
