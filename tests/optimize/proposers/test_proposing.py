"""The proposer of the catalogue: alone, composed, named, repeatable."""

from random import Random

import pytest

from bloomery.core.errors import UnknownName
from bloomery.optimize.proposal import Target
from bloomery.optimize.proposers import PROPOSERS, proposer
from bloomery.optimize.proposers.rewrites.kinds import INT, STR, UNKNOWN, Kind
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.rewrites.scope import Scope
from bloomery.source.python import NotPython

TWO_REASONS = '''"""Doc."""

def f(xs: list[int], ys: list[int]) -> list[int]:
    # first reason
    out = []
    for y in ys:
        if y in xs:
            out = out + [y]  # second reason
    return out


def other(xs: list[int]) -> int:
    return sorted(xs)[0]
'''


def proposals(tmp_path, text, name="catalogue", function=None, goal="speed", path="a.py"):
    (tmp_path / path).write_text(text)
    target = Target(tmp_path, path, function)
    return list(proposer(name).propose(target, goal, rng=Random(0)))


@pytest.mark.parametrize("name", ["rewrites", "substitutions", "catalogue"])
def test_a_registered_proposer_has_the_name_that_it_is_registered_by(name):
    assert name in PROPOSERS
    assert proposer(name).name == name


def test_an_unknown_proposer_lists_the_nearest():
    with pytest.raises(UnknownName, match="rewrites"):
        proposer("rewrite")


def test_the_composition_comes_first_and_then_each_rewrite_alone(tmp_path):
    found = proposals(tmp_path, TWO_REASONS, function="f")
    assert found[0].operator == "list-to-set+append-in-place"
    assert {one.operator for one in found[1:]} == {"list-to-set", "append-in-place"}
    assert found[0].function == "f"


def test_a_composition_computes_what_the_original_does(tmp_path):
    text = proposals(tmp_path, TWO_REASONS)[0].texts["a.py"]
    old, new = {}, {}
    exec(TWO_REASONS, old)
    exec(text, new)
    for given in (([], []), ([1, 2], [2, 2, 3]), ([3], [1])):
        assert old["f"](*given) == new["f"](*given)
    assert old["other"]([3, 1, 2]) == new["other"]([3, 1, 2])
    assert "# second reason" in text


def test_only_the_function_asked_for_is_changed(tmp_path):
    for one in proposals(tmp_path, TWO_REASONS, function="other"):
        assert "out = out + [y]" in one.texts["a.py"]
        assert "nsmallest" in one.texts["a.py"]


def test_equal_targets_make_equal_proposals(tmp_path):
    assert proposals(tmp_path, TWO_REASONS) == proposals(tmp_path, TWO_REASONS)


def test_a_candidate_names_what_is_not_proven(tmp_path):
    (found,) = proposals(tmp_path, "def f(xs):\n    return sorted(xs)[0]\n")
    assert found.safety == "candidate"
    assert "not proven: members are compared by a total order" in found.why


def test_nothing_is_proposed_for_another_goal_or_another_language(tmp_path):
    assert proposals(tmp_path, TWO_REASONS, goal="fix") == []
    assert proposals(tmp_path, TWO_REASONS, path="a.js") == []


def test_a_file_that_does_not_parse_is_said_to_be_no_python(tmp_path):
    with pytest.raises(NotPython, match=r"a\.py:1"):
        proposals(tmp_path, "def f(:\n")


def test_a_length_kept_in_a_variable_is_understood(tmp_path):
    head = "def f(xs: list[int]):\n    n = len(xs)\n    out = 0\n"
    text = head + "    for i in range(n):\n        out = out * 2 + xs[i]\n"
    assert [one.operator for one in proposals(tmp_path, text + "    return out\n")] == ["index-to-member"]
    grown = text + "        xs.append(1)\n    return out\n"
    assert proposals(tmp_path, grown) == []


def kind_of(body: str, name: str, head: str = "def f(a: int, b, c: list[str]):") -> Kind:
    program = Program(f"{head}\n    " + body.replace("\n", "\n    ") + "\n")
    (qualified, function), *_ = program.functions()
    return Scope(program, qualified, function).kind.env[name]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("x = a", INT),
        ("x = b", UNKNOWN),
        ("x = 1\nx = x + 1.5", UNKNOWN),
        ("x = 0\nfor y in c:\n    x += len(y)", INT),
        ("x = ''\nfor y in c:\n    x += y", STR),
        ("x = ''\nx = 1", UNKNOWN),
        ("x = c[0]", STR),
        ("for i, x in enumerate(c): pass", STR),
        ("x, y = a, c", INT),
        ("x = [1]\nx.append('')", Kind("list", (UNKNOWN,))),
        ("x = [1]\ny = x\ny.append('')", Kind("list", (UNKNOWN,))),
        ("x = [1]\nprint(x)", Kind("list", (INT,))),
        ("x = [1]\ng(x)", Kind("list", (UNKNOWN,))),
        ("x = a / 2", Kind("float")),
        ("x = a ** b", UNKNOWN),
        ("global x\nx = 1", UNKNOWN),
        ("with b as x: pass", UNKNOWN),
        ("x = 1\ndef g():\n    nonlocal x\n    x = ''", UNKNOWN),
    ],
)
def test_the_kind_of_a_variable_joins_all_that_is_bound_to_it(body, kind):
    assert kind_of(body, "x") == kind


def test_a_guard_tells_the_kind_of_a_parameter():
    guarded = "if not isinstance(b, list):\n    raise TypeError\nx = b"
    assert kind_of(guarded, "x").name == "list"
    assert kind_of(guarded.replace("not ", ""), "x") == UNKNOWN
