"""A mini paper of our own with all that a scaffold meets, and its project, made once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bloomery.papers.context import (
    Algorithm,
    Architecture,
    Benchmarks,
    Context,
    Equation,
    Hyperparameter,
    Location,
    Module,
    Reading,
    Reference,
    Result,
    Step,
    Variable,
)
from bloomery.papers.markdown import write
from bloomery.papers.planning import run
from bloomery.papers.scaffolding import Scaffolded, scaffold


def variable(symbol: str, shape: str, name: str = "", *, domain: str = "", kind: str = "Tensor") -> Variable:
    return Variable(symbol, name, kind, shape, domain=domain)  # type: ignore[arg-type]


def scalar(symbol: str, name: str = "", domain: str = "") -> Variable:
    return variable(symbol, "[]", name, domain=domain, kind="Scalar")


LINE = Equation(
    "1",
    "Line",
    Location("2.1", 3),
    "y_t = a x_t + b",
    "A line.",
    (variable("y_t", "[B, D]"), scalar("a"), variable("x_t", "[B, D]"), variable("b", "[D]")),
    used_by=(Reference("equation", "3"),),
)
PARTS = Equation(
    "2",
    "Parts",
    latex=r"p_i = \frac{\exp(x_i)}{\sum_j \exp(x_j)}",
    variables=(variable("p_i", "[B, N]"), variable("x_i", "[B, N]")),
)
AVERAGE = Equation(
    "3",
    "Average",
    latex=r"m_t = \beta m_{t-1} + (1 - \beta) y_t",
    variables=(
        variable("m_t", "[B, D]", "average"),
        scalar(r"\beta", "decay", "[0, 1)"),
        variable("y_t", "[B, D]", "input"),
    ),
    requires=(Reference("equation", "1"),),
    criteria=("beta = 0 gives the input", "it forgets as an exponential does"),
)
LINK = Equation(
    "4",
    "Link",
    latex=r"z = -2 x",
    variables=(variable("z", "[B]"), variable("x", "[B]")),
    readings=(
        Reading("printed", r"z = -2 x", "as it stands"),
        Reading("exact", r"z = -x", "it minimises the loss", chosen=True),
    ),
)
DESCENT = Equation(
    "5",
    "Descent",
    latex=r"W_t = W_{t-1} - \theta \nabla \ell(W_{t-1}; x_t)",
    variables=(
        variable("W_t", "[D, E]", "weights"),
        scalar(r"\theta", "step", "> 0"),
        variable("x_t", "[B, D]", "input"),
        variable(r"\ell", "-", "loss", kind="Function"),
    ),
    criteria=("theta = 0 recovers the old weights",),
)
GATE = Equation(
    "A.1",
    "Gate",
    latex=r"g = \sigma(w^\top x \nabla)",
    variables=(variable("g", "[B]"), variable("w", "[D]"), variable("x", "[B, D]")),
    criteria=("w = 0 gives one half",),
)
BARE = Equation("7", "Bare", latex="q = r s", variables=(variable("q", "[B]"), variable("r", "-")))


def mini() -> Context:
    return Context(
        "mini",
        title="Mini",
        full_title="Mini: a line, its parts and their average",
        authors=("Ada Example",),
        arxiv="0000.00012",
        year=2024,
        extraction_date="2025-01-02",
        equations=(LINE, PARTS, AVERAGE, LINK, DESCENT, GATE, BARE),
        algorithms=(
            Algorithm(
                "1", "Run", purpose="runs", pseudocode="1: y <- line", lines=(Step("1", "line", "Eq 1", "f"),)
            ),
        ),
        architecture=Architecture(modules=(Module("Mixer", "3", "[B, S, D]", "[B, S, D]"), Module("Rest"))),
        hyperparameters=(Hyperparameter("Training", "decay", "b", "0.9", "Table 1"),),
        benchmarks=Benchmarks(
            results=(
                Result("Lines", "Acc", "up", value="93.5%", source="Table 2"),
                Result("Lines", "Acc", "up", value="95.0", source="Table 3"),
                Result("Parts", "PPL", "", value="12.0"),
                Result("Rest", "PPL", "down", value="low"),
            )
        ),
    )


def planned(folder: Path, *contexts: Context, **options: object) -> Path:
    """A plan in a folder, with its contexts beside it."""
    for context in contexts:
        (folder / f"{context.paper_id}.context.md").write_text(write(context))
    files = [str(folder / f"{context.paper_id}.context.md") for context in contexts]
    run(files, folder / "IMPLEMENTATION_PLAN.md", **options)  # type: ignore[arg-type]
    return folder / "IMPLEMENTATION_PLAN.md"


def python(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python in a project, on one thread and without this repository's settings."""
    kept = {key: held for key, held in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    env = kept | {"PYTHONPATH": "src", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    call = [sys.executable, *words]
    return subprocess.run(call, cwd=project, env=env, capture_output=True, text=True, check=False)


def outcomes(project: Path, *tests: str) -> tuple[dict[str, str], dict[str, str]]:
    """What became of each test, by its node, and why it did not pass."""
    report = project.parent / "report.xml"
    options = ("-q", "-p", "no:cacheprovider", f"--junitxml={report}", "-o", "junit_family=xunit1")
    done = python(project, "-m", "pytest", *options, *tests)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found, why = {}, {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        node = f"{case.get('file')}::{case.get('name')}"
        bad = [one for one in case if one.tag in ("failure", "error", "skipped")]
        found[node] = bad[0].tag if bad else "passed"
        if bad:
            why[node] = bad[0].get("message", "")
    return found, why


@pytest.fixture(scope="session")
def paper() -> Context:
    return mini()


@pytest.fixture(scope="session")
def plan_of() -> Callable[..., Path]:
    """`planned`, for tests with papers of their own."""
    return planned


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    return python


@pytest.fixture(scope="session")
def run_tests() -> Callable[..., tuple[dict[str, str], dict[str, str]]]:
    return outcomes


@pytest.fixture(scope="session")
def plan_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planned(tmp_path_factory.mktemp("plan"), mini())


@pytest.fixture(scope="session")
def made(plan_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scaffolded]:
    output = tmp_path_factory.mktemp("made") / "mini"
    return output, scaffold(plan_path, output)


@pytest.fixture(scope="session")
def project(made: tuple[Path, Scaffolded]) -> Path:
    """As it was scaffolded; no test changes it."""
    return made[0]


@pytest.fixture(scope="session")
def untouched(project: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What became of its tests, and why they failed."""
    return outcomes(project)
