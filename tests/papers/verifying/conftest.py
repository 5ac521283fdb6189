"""A small repository: a sound paper, and one with a defect planted in each equation; verified once."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from bloomery.papers.context import Context, Equation, Reading, Variable
from bloomery.papers.markdown import write
from bloomery.papers.verifying.verified import EquationReport, Verified
from bloomery.papers.verifying.verifying import verify

SETTINGS = """
    [tool.pytest.ini_options]
    pythonpath = ["src"]
    markers = ["equation"]
    addopts = ["--import-mode=importlib"]
    """

SOUND_CODE = '''
    """A memory that fades."""

    import numpy as np


    def faded(s, x, a):
        """The state after one more input.

        Source: fade eq. 1
        """
        return (1 - a) * s + a * x


    def deep(steps, x):
        """Source: fade eq. 2"""
        total = 0.0
        for t in range(1, steps):
            total = total - x[t - 1]
        return total


    def deep_at_once(steps, x):
        """Source: fade eq. 2"""
        return -sum(x[: steps - 1])


    def linked(x, exact):
        """Source: fade eq. 3 (printed), fade eq. 3 (exact)"""
        return -x if exact else -2 * x
    '''

SOUND_TESTS = """
    import numpy as np
    import pytest
    from fading.memory import deep, deep_at_once, faded, linked


    @pytest.mark.equation("fade", 1)
    def test_a_memory_fades():
        assert np.isclose(faded(2.0, 5.0, 0.25), 0.75 * 2 + 0.25 * 5)


    @pytest.mark.equation("fade", 1, oracle="NumPy")
    def test_a_memory_of_nothing_stays_nothing():
        assert faded(0.0, 0.0, 0.25) == 0.0


    @pytest.mark.equation("0000.00001", 2, oracle="closed form")
    @pytest.mark.parametrize("steps", [3, 4])
    def test_the_depth_is_minus_the_sum(steps):
        assert deep(steps, [1.0, 2.0, 4.0, 8.0]) == -(2.0 ** (steps - 1) - 1)
        assert deep_at_once(steps, [1.0, 2.0, 4.0, 8.0]) == -(2.0 ** (steps - 1) - 1)


    @pytest.mark.equation("fade", 3, reading="printed")
    def test_the_printed_link_doubles():
        assert linked(3.0, exact=False) == -6.0


    @pytest.mark.equation("fade", 3, reading="exact")
    def test_the_exact_link_does_not():
        assert linked(3.0, exact=True) == -3.0
    """

FLAWED_CODE = '''
    """Each function has a flaw, or its tests have one."""


    def untested(x):
        """Source: flaw eq. 2"""
        return -x


    def never_run(x):
        """Source: flaw eq. 3"""
        return -x


    def skipped(x):
        """Source: flaw eq. 4"""
        return -x


    def wrong(x):
        """Source: flaw eq. 5"""
        return x


    def unchecked(x):
        """Source: flaw eq. 6"""
        return -x


    def hollow(x):
        """Source: flaw eq. 7"""
        raise NotImplementedError


    def loosely(x, a):
        """Source: flaw eq. 8"""
        return -x * (1 - a) + 0.0


    def blindly(x, a):
        """Source: flaw eq. 9"""
        return -x * (1 - a)


    def one_reading(x):
        """Source: flaw eq. 10 (one)"""
        return -x


    def unchosen(x):
        """Source: flaw eq. 11 (one), flaw eq. 11 (two)"""
        return -x


    def strange(x):
        """Source: flaw eq. 99"""
        return -x


    def again(x):
        """Source: flaw eq. 5"""
        return -x


    def loosely_elsewhere(x, a):
        """Source: flaw eq. 8"""
        return -x * (1 - a)


    def constant_again(x):
        """Source: other eq. 1"""
        return -x
    '''

FLAWED_TESTS = """
    import pytest
    from fading import flaws


    @pytest.mark.equation("flaw", 3)
    def test_that_runs_something_else():
        assert flaws.wrong(1.0) == 1.0


    @pytest.mark.equation("flaw", 4)
    def test_that_skips():
        pytest.skip("needs a machine that nobody has")
        assert flaws.skipped(1.0) == -1.0


    @pytest.mark.equation("flaw", 5)
    def test_that_fails():
        assert flaws.wrong(1.0) == -1.0


    @pytest.mark.equation("flaw", 6)
    def test_that_cannot_fail():
        value = flaws.unchecked(1.0)
        assert value == value


    @pytest.mark.equation("flaw", 7)
    def test_of_a_hollow_function():
        with pytest.raises(NotImplementedError):
            flaws.hollow(1.0)


    @pytest.mark.equation("flaw", 8)
    def test_that_misses_the_decay():
        assert flaws.loosely(2.0, 0.5) == -1.0


    @pytest.mark.equation("flaw", 9)
    def test_that_sees_nothing():
        assert flaws.blindly(0.0, 0.5) == 0.0


    @pytest.mark.equation("flaw", 10, reading="one")
    def test_of_one_reading():
        assert flaws.one_reading(1.0) == -1.0


    @pytest.mark.equation("flaw", 11, reading="one")
    @pytest.mark.equation("flaw", 11, reading="two")
    def test_of_both_readings():
        assert flaws.unchosen(1.0) == -1.0


    @pytest.mark.equation("flaw", 98)
    def test_of_an_equation_that_there_is_not():
        assert flaws.strange(1.0) == -1.0


    @pytest.mark.equation("flaw")
    def test_whose_marker_names_no_number():
        assert flaws.strange(1.0) == -1.0
    """

SOUND_PAPER = """
    citation:
      title: Fading
      authors: [Ada Example]
      year: 2024
      arxiv: "0000.00001"
    claims:
      - id: loss
        value: 2.0
        metric: loss
        direction: lower
        source: Table 1, row 2
        command: fading.measuring:loss
        scale: ours
      - id: error-rate
        value: 0.5
        metric: errors
        direction: lower
        source: Table 2
        not_reproduced: it needs a cluster
    seeds: [1, 2, 3]
    readings:
      "3":
        chosen: exact
        why: it minimises what the text states
    """

FLAWED_PAPER = """
    citation:
      title: Flaws
      arxiv: "0000.00002"
      year: 2023
    claims:
      - id: unlinked
        value: 1.0
        metric: loss
        direction: lower
        source: Table 1
    out_of_scope:
      "12": it describes hardware
    """

READINGS = (Reading("one", "-x"), Reading("two", "-y"))


def equation(number: str, **fields: object) -> Equation:
    """An equation that `paper check` finds no error in."""
    variables = (Variable("x", "input", "Tensor", "[B, D]", "what comes in"),)
    return Equation(number, f"Eq {number}", latex="-x", variables=variables, **fields)


def context(paper: str, title: str, arxiv: str, equations: tuple[Equation, ...]) -> str:
    return write(Context(paper, title, title, ("Ada Example",), arxiv, 2024, equations=equations))


def repository() -> dict[str, str]:
    """Its files by path."""
    sound = (equation("1"), equation("2"), equation("3", readings=(Reading("printed"), Reading("exact"))))
    two = {str(number): {"readings": READINGS} for number in (10, 11)}
    flawed = tuple(equation(str(number), **two.get(str(number), {})) for number in range(1, 13))
    return {
        "pyproject.toml": SETTINGS,
        "src/fading/__init__.py": "",
        "src/fading/memory.py": SOUND_CODE,
        "src/fading/flaws.py": FLAWED_CODE,
        "src/fading/broken.py": '"""Source: fade eq. 1"""\ndef broken(:\n',
        "src/fading/measuring.py": "def loss(seed):\n    return 2.0 + 0.01 * seed\n",
        "tests/test_memory.py": SOUND_TESTS,
        "tests/test_flaws.py": FLAWED_TESTS,
        "papers/fade/paper.yaml": SOUND_PAPER,
        "papers/fade/fade.context.md": context("fade", "Fading", "0000.00001", sound),
        "papers/flaw/paper.yaml": FLAWED_PAPER,
        "papers/flaw/flaw.context.md": context("flaw", "Flaws", "0000.00002", flawed),
        "papers/flaw/forgotten.yaml": "steps: 3\n",
        "papers/flaw/known.yaml": "steps: 3\n",
        "papers/flaw/README.md": "Train with known.yaml.\n",
    }


def written(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip("\n"))
    return root


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("repository"), repository())


@pytest.fixture(scope="session")
def said() -> list[str]:
    return []


@pytest.fixture(scope="session")
def verified(project: Path, said: list[str]) -> Verified:
    return verify(project, say=said.append)


@pytest.fixture
def of(verified: Verified):
    """The report of an equation by its id."""

    def find(name: str) -> EquationReport:
        return next(one for one in verified.equations if one.id == name)

    return find
