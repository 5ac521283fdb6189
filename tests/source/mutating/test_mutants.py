"""Mutants are small, distinct, in order, and change nothing outside their function."""

import ast
import textwrap
from pathlib import Path

import pytest

from bloomery.core.errors import UnknownName
from bloomery.source.mutating.mutants import Mutant, mutants, mutated
from bloomery.source.mutating.operators import OPERATORS
from bloomery.source.python import Parsed, function, parse, parse_text


def parsed(text: str) -> Parsed:
    return parse_text(textwrap.dedent(text), Path("m.py"))


def made(body: str, operator: str, signature: str = "x, y, n") -> list[str]:
    """What an operator makes of the expression or statement `body`."""
    text = f"def f({signature}):\n    {body}\n"
    found = mutants(parsed(text), "f", operators=[operator])
    return [mutated(parsed(text), one).splitlines()[1].strip() for one in found]


@pytest.mark.parametrize(
    ("operator", "body", "expected"),
    [
        ("sign", "return -x", ["return x"]),
        ("sign", "return y + x * n", ["return y + -(x * n)"]),
        ("sign", "return x @ y", ["return -(x @ y)"]),
        ("sign", "return x + y - n", ["return x + y + n", "return x - y - n"]),
        ("sign", "return 1 - x", ["return 1 + x"]),
        ("sign", "x -= y", ["x += y"]),
        ("sign", "return -x + -y", ["return x + -y", "return -x + y"]),
        ("sign", "return x[n + 1] + x[n - 1 :].sum()", ["return x[n + 1] - x[n - 1:].sum()"]),
        ("sign", "return [t for t in range(n - 1)] + x", ["return [t for t in range(n - 1)] - x"]),
        ("sign", "return torch.arange(n + 1)", []),
        ("sign", "return x + 0", []),
        ("sign", "return 'a' + x", []),
        ("sign", "return x[-1] + y.sum(-1, dim=-1)", ["return x[-1] - y.sum(-1, dim=-1)"]),
        ("sign", "return -1 * x", ["return -(-1 * x)", "return 1 * x"]),
        ("constant", "return zip(x, y, strict=True)", []),
        ("decay", "return (1 - x) * y", ["return (x) * y"]),
        ("decay", "return 1.0 - x * y", ["return x * y"]),
        ("decay", "return 2 - x", []),
        ("index", "return x[0]", ["return x[1]"]),
        ("index", "return x[-1]", ["return x[-2]"]),
        ("index", "return x[:, 1:]", ["return x[:, 2:]"]),
        ("index", "return x[..., :n]", ["return x[..., :n - 1]"]),
        ("index", "return x[:-1]", ["return x[:-2]"]),
        ("index", "return x[y]", []),
        (
            "index",
            "return [x[t] for t in range(n)]",
            ["return [x[t + 1] for t in range(n)]", "return [x[t] for t in range(n - 1)]"],
        ),
        ("index", "return x['a']", []),
        ("arithmetic", "return x + y", ["return x - y"]),
        ("arithmetic", "return x / y", ["return x * y"]),
        ("arithmetic", "x += y", ["x -= y"]),
        ("arithmetic", "return x ** 2", ["return x * 2"]),
        ("arithmetic", "return x * 1", []),
        ("arithmetic", "return 'a' + x", []),
        ("arithmetic", "return x - (y - n)", ["return x + (y - n)", "return x - (y + n)"]),
        ("constant", "return 0.9 * x", ["return 0.8 * x"]),
        ("constant", "return x ** 2", ["return x ** 3"]),
        ("constant", "return x.sum(-1, keepdim=True)", ["return x.sum(-2, keepdim=True)", 0]),
        ("constant", "return x + 1e-6", ["return x + 0.0"]),
        ("constant", "return 'text'", []),
        ("constant", "return -0.1", ["return -0.2"]),
        ("reduction", "return x.mean(dim=0)", ["return x.sum(dim=0)"]),
        ("reduction", "return max(x, y)", ["return min(x, y)"]),
        ("reduction", "return torch.sum(x)", ["return torch.mean(x)"]),
        ("reduction", "return sum(x)", []),
        ("order", "return g(x, y)", ["return g(y, x)"]),
        ("order", "return x - y", ["return y - x"]),
        ("order", "return g(x, x)", []),
        ("order", "return torch.maximum(x, y)", []),
        ("order", "return isinstance(x, y)", []),
        ("order", "return g(*x, y)", []),
        ("statement", "x += 1", ["pass"]),
        ("statement", "x = y + 1", ["pass"]),
        ("statement", "z = y + 1", []),
        ("statement", "x.clamp_(0)", ["pass"]),
        ("statement", "return x", []),
        ("comparison", "return x < y", ["return x >= y"]),
        ("comparison", "return x == y", ["return x != y"]),
        ("boundary", "return x < y", ["return x <= y"]),
        ("boundary", "return x == y", []),
        ("boolean", "return x and y", ["return x or y"]),
        ("negation", "return not x", ["return x"]),
    ],
)
def test_an_operator_makes_what_its_name_says(operator: str, body: str, expected: list) -> None:
    found = made(body, operator)
    assert [one for one in found if "keepdim=False" not in one] == [one for one in expected if one]
    assert len(found) == len(expected)


RULE = '''
    import math

    def before(x):  # stays
        return x + 1


    class Memory:
        @staticmethod
        def update(state: "list[int]", é=0.9, *, steps: int = 2) -> "a - b":
            """Adds 1 - 1.

            Source: titans eq. 13
            """
            if steps < 0:
                raise ValueError(f"{steps + 1} is less than {0}")
            kept = "é" if é else (  # a comment
                1 - é
            )
            total: int = 3 * é

            def inner(k=4):
                return k - total

            assert total > 0
            print(total + 1)
            return kept, inner() + é

    def after(x): return x + 1
'''


def all_of_it() -> tuple[Parsed, tuple[Mutant, ...]]:
    source = parsed(RULE)
    return source, mutants(source, "Memory.update")


def test_nothing_changes_outside_of_the_functions_lines() -> None:
    source, found = all_of_it()
    node = function(source, "Memory.update")
    lines = source.text.splitlines()
    for mutant in found:
        changed = mutated(source, mutant).splitlines()
        assert changed[: node.lineno - 1] == lines[: node.lineno - 1]
        after = len(lines) - (node.end_lineno or 0)
        assert changed[-after:] == lines[-after:], mutant


def test_every_mutant_parses_differs_and_is_there_once() -> None:
    source, found = all_of_it()
    trees = [ast.dump(ast.parse(mutated(source, mutant))) for mutant in found]
    assert len(found) > 15
    assert len({ast.dump(source.tree), *trees}) == len(found) + 1


def test_messages_annotations_docstrings_and_checks_are_left_alone() -> None:
    source, found = all_of_it()
    texts = [mutated(source, mutant) for mutant in found]
    kept = ['raise ValueError(f"{steps + 1} is less than {0}")', '-> "a - b"', "Adds 1 - 1.", "total > 0"]
    assert [text for text in texts for part in [*kept, "print(total + 1)"] if part not in text] == []


def test_a_logarithm_is_no_log() -> None:
    assert made("return math.log(1 - x)", "decay") == ["return math.log(x)"]
    assert made("return -(x + y).log()", "sign") == ["return (x + y).log()", "return -(x - y).log()"]
    assert made("y = log(-x)", "sign") == ["y = log(x)"]
    assert made("logger.log(20, -x)", "sign") == []


def test_defaults_nested_functions_and_wide_characters_are_reached() -> None:
    source, found = all_of_it()
    texts = "\n".join(mutated(source, mutant) for mutant in found)
    assert "é=0.8" in texts
    assert "k=5" in texts
    assert "return total - k" in texts
    assert "return kept, inner() - é" in texts
    assert {(one.before, one.default) for one in found if one.operator == "constant"} == {
        ("0.9", True),
        ("2", True),
        ("0", False),
        ("1", False),
        ("3", False),
        ("4", False),
    }


def test_the_order_is_that_of_the_text_and_a_sample_keeps_it() -> None:
    source, found = all_of_it()
    places = [(one.line, one.column) for one in found]
    assert places == sorted(places)
    drawn = mutants(source, "Memory.update", most=5, seed=1)
    assert len(drawn) == 5
    assert [one for one in found if one in drawn] == list(drawn)
    assert drawn == mutants(source, "Memory.update", most=5, seed=1)
    assert drawn != mutants(source, "Memory.update", most=5, seed=2)


def test_lines_of_a_mutant_are_those_of_its_statement_or_of_its_head() -> None:
    source, found = all_of_it()
    start = function(source, "Memory.update").lineno
    lines = {one.before: (one.lines[0] - start, one.lines[1] - start) for one in found}
    assert lines["steps < 0"] == (5, 5)
    assert lines["1 - é"] == (7, 9)


def test_a_mutant_says_what_it_is() -> None:
    (one,) = mutants(parsed("def f(a):\n    return 1 - a\n"), "f", operators=["decay"])
    assert str(one) == "f, line 2, decay: 1 - a -> a"


def test_unknown_functions_and_operators_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'Memory\.update'"):
        mutants(parsed(RULE), "update")
    with pytest.raises(UnknownName, match="did you mean 'arithmetic'"):
        mutants(parsed(RULE), "Memory.update", operators=["arithmetics"])


def test_real_code_gives_mutants_that_all_compile() -> None:
    source = parse(Path(ast.__file__).with_name("statistics.py"))
    for name in ("_mean_stdev", "linear_regression", "NormalDist.overlap", "quantiles"):
        found = mutants(source, name)
        assert {one.operator for one in found} <= set(OPERATORS)
        for mutant in found[:40]:
            compile(mutated(source, mutant), "statistics.py", "exec")
        assert len(found) > 5
