"""What was tried is remembered as long as the code that it rests on is the same."""

import textwrap
from pathlib import Path

import pytest

from bloomery.papers.context import Context, Equation, Variable
from bloomery.papers.markdown import write
from bloomery.papers.verifying.verifying import verify

MEMORY = '''
    from fading.rates import rate


    def faded(s, x, a):
        """Source: fade eq. 1"""
        return -rate(a) * s + x
    '''
TESTS = """
    import pytest
    from fading.memory import faded


    @pytest.mark.equation("fade", 1)
    def test_a_memory_fades():
        assert faded(1.0, 5.0, 0.25) == 4.75
    """
SETTINGS = """
    [tool.pytest.ini_options]
    pythonpath = ["src"]
    markers = ["equation"]
    """
EQUATION = Equation("1", "Fading", latex="-x", variables=(Variable("x", "input", "Tensor", "[B]"),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A function that calls another one, with its test."""
    context = Context("fade", "Fading", "Fading", ("Ada",), "0000.00001", 2024, equations=(EQUATION,))
    files = {
        "pyproject.toml": SETTINGS,
        "src/fading/rates.py": 'def rate(a):\n    """How much."""\n    return a\n',
        "src/fading/other.py": "def rate(a):\n    return a\n",
        "src/fading/memory.py": MEMORY,
        "tests/test_memory.py": TESTS,
        "papers/fade/paper.yaml": 'citation:\n  title: Fading\n  arxiv: "0000.00001"\n  year: 2024\n',
        "papers/fade/fade.context.md": write(context),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text).lstrip("\n"))
    return tmp_path


def changed(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.slow
def test_changes_are_tried_again_where_a_callee_changed_and_not_where_its_docstring_did(root: Path) -> None:
    src, said = root / "src" / "fading", list[str]()
    again = ["trying changes of functions 1 to 1 of 1"]
    (one,) = verify(root, say=said.append).equations
    assert one.status == "mutation-tested"
    assert said[1:] == again
    changed(src / "rates.py", "How much.", "How much is lost.")
    changed(src / "other.py", "return a", "return -a")
    said.clear()
    verify(root, say=said.append)
    assert said[1:] == []
    changed(src / "rates.py", "return a", "return 1.0 * a")
    verify(root, say=said.append)
    assert said[2:] == again
