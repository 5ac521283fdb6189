"""Phase 1: a project that installs, and whose test suite runs."""

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Check
from bloomery.papers.planning.planned import Group, Phase
from bloomery.papers.planning.tasks import Tasks

CI = ".github/workflows/ci.yaml"
CONFTEST = "tests/conftest.py"


def setup(design: Design, tasks: Tasks) -> Phase:
    steps = (
        ("Initialise the uv project", "pyproject.toml", "name, Python version, build backend"),
        ("Add the dependencies", "uv.lock", "and those for tests and checks, pinned"),
        ("Create the folders", design.source("__init__.py"), "the package and its neighbours"),
        ("Set up the test framework", CONFTEST, "seeds, devices, the marker `equation(paper, number)`"),
        ("Configure ruff, ty and the workflow", CI, "what phase 6 asks for, on each push"),
        ("Put the papers beside the code", _records(design), "contexts and claims, for the checker"),
    )
    for title, file, detail in steps:
        tasks.add("1", "setup", title, file=file, detail=detail)
    return Phase(
        number=1,
        title="Project Setup",
        about="An empty project that installs and whose test suite runs.",
        groups=(Group(number="1", title="Project"),),
        commands=commands(design),
        checks=(
            Check(text="`pyproject.toml` configured", of=("pyproject.toml",)),
            Check(text="Folders created", of=(design.source("__init__.py"), CONFTEST)),
            Check(text="`uv sync` succeeds", of=("gate uv sync",)),
            Check(text="`uv run pytest` runs (0 tests)", of=("gate pytest",), at_least="failing"),
        ),
    )


def _records(design: Design) -> str:
    return f"papers/{next(iter(design.contexts))}/paper.yaml"


def commands(design: Design) -> tuple[str, ...]:
    """What makes the project on this environment."""
    folders = "{layers,models}" if design.has("model") else "layers"
    others = ["configs", "docs", "papers", *(["notebooks"] if design.has("notebook") else [])]
    environment = design.environment
    return (
        *environment.before,
        f"uv init --package {design.project}",
        f"cd {design.project}",
        *environment.install,
        "uv add --dev pytest pytest-cov ruff ty",
        f"mkdir -p src/{design.package}/{folders}",
        "mkdir -p tests/{test_equations,test_layers,test_integration}",
        f"mkdir -p {' '.join(others)}",
        "uv sync",
        "uv run pytest  # 0 tests: exit code 5 is right here",
    )
