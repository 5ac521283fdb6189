"""Code and tests are found by what they cite, whatever the paper is called."""

import textwrap
from pathlib import Path

import pytest

from bloomery.papers.verifying.joining import read_tree
from bloomery.source.citing import Equation

CODE = '''
    """A module.

    Source: fade eq. 9 (one)
    """


    class Memory:
        """Source: fade eq. 1, fade eq. 2 (the exact link)"""

        def write(self, x):
            return x + 1

        def read(self, x):
            """Source: fade eq. 3"""

            def inner(y):
                return y

            return inner(x)


    def lone(x):
        """Source: eq. 5"""
        return x


    def twin(x):
        """Source: fade eq. 3"""
        return x
    '''

TESTS = """
    import numpy as np
    import pytest
    import torch


    def by_hand(x):
        return np.sum(x)


    @pytest.mark.equation("fade", 1)
    def test_against_numpy():
        assert by_hand(1) == 1


    @pytest.mark.equation("fade", "2-3", reading="the exact link", oracle="closed form")
    def test_against_a_formula():
        assert by_hand(1) == 1


    @pytest.mark.equation("fade", 4)
    def test_the_gradient():
        assert torch.autograd.gradcheck(by_hand, 1)


    @pytest.mark.equation("fade", 5)
    def test_something():
        assert 1 + 1 == 2


    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.equation("fade", 6)), 2])
    def test_of_one_case(x):
        assert x
    """


@pytest.fixture
def tree(tmp_path: Path):
    for name, text in {"src/code.py": CODE, "tests/test_it.py": TESTS, "tests/support.py": CODE}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text).lstrip("\n"))
    return read_tree(tmp_path)


def test_a_class_stands_for_its_methods_a_function_for_itself_a_module_for_all(tree):
    functions = {number: tree.code[Equation("fade", number)][0].functions for number in ("1", "3", "9")}
    assert functions == {
        "1": ("Memory.write", "Memory.read"),
        "3": ("Memory.read",),
        "9": ("Memory.write", "Memory.read", "lone", "twin"),
    }
    assert [one.symbol for one in tree.code[Equation("fade", "3")]] == ["Memory.read", "twin"]


def test_support_of_tests_is_no_implementation(tree):
    assert {one.path.name for found in tree.code.values() for one in found} == {"code.py"}


def test_a_docstring_says_which_reading_it_implements(tree):
    (definition,) = tree.code[Equation("fade", "2")]
    assert definition.reads("2", "the exact link")
    assert not definition.reads("1", "the exact link")
    assert tree.code[Equation("fade", "9")][0].reads("9", "one")
    assert not definition.reads("2", "exact")


def test_a_citation_without_a_paper_is_said(tree):
    found = [(one.path, one.line, one.code) for one in tree.findings]
    assert found == [("src/code.py", 22, "citation-unread")]


def test_a_test_has_readings_and_the_kind_of_its_oracle(tree):
    oracles = {key.number: found[0] for key, found in tree.oracles.items()}
    assert {number: one.kind for number, one in oracles.items()} == {
        "1": "NumPy",
        "2": "closed form",
        "3": "closed form",
        "4": "gradient check",
        "5": "comparison",
        "6": "comparison",
    }
    assert oracles["2"].readings == {"the exact link"}
    assert oracles["2"].node == "tests/test_it.py::test_against_a_formula"
    assert [number for number, one in oracles.items() if one.some_cases] == ["6"]
