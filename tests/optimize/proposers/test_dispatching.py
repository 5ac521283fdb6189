"""Of arguments that nothing is known of, plain lists take the rewritten way and all else the old one."""

import math
import textwrap

import pytest

from bloomery.optimize.proposers.rewrites.catalogue import rewritten
from bloomery.optimize.proposers.rewrites.dispatching import for_plain_lists
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.rewriting import catalogue

CATALOGUE = catalogue().catalogue
OFTEN = '''def f(xs):
    """Those that come more than once."""
    return [x for x in xs if xs.count(x) > 1]
'''
UNIQUE = (
    "def f(xs):\n    out = []\n    for x in xs:\n        if x not in out:\n            out.append(x)\n"
    "    return out\n"
)
PAIRS = (
    "def f(xs, n=3, total=4):\n    count = 0\n    for i in range(0, n):\n        for j in range(i + 1, n):\n"
    "            if xs[i] + xs[j] == total:\n                count += 1\n    return count\n"
)
CASES = {"count-once": OFTEN, "ordered-unique": UNIQUE, "indexed-pairs": PAIRS}
NAN = math.nan
ODD = [
    [1, 2, 1, 3], ["a", "b", "a"], [], [[1], [1], [2]], [1, 1.0, True], [NAN, NAN, 2.0], (1, 2, 1), "abca",
    [None, None], [{}, {}], [1, [1], 1], [2, 2, 2], [0.1, 3.9, 0], None, 7, {1: 2, 0: 3, 2: 1}, [1],
]  # fmt: skip


def plain(name, text):
    (made,) = rewritten(Program(text), {name: CATALOGUE[name]})
    return for_plain_lists(text, made)


def outcome(text, given):
    module = {}
    exec(text, module)
    try:
        return repr(module["f"](given))
    except Exception as error:  # edge: what a program raises is its answer
        return type(error)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("given", ODD, ids=repr)
def test_every_argument_gets_the_answer_of_before(name, given):
    assert outcome(plain(name, CASES[name]).text, given) == outcome(CASES[name], given)


@pytest.mark.parametrize("name", CASES)
def test_plain_lists_take_the_new_way_and_no_others(name):
    new, _, old = plain(name, CASES[name]).text.partition("    else:\n")
    kinds = "{int}" if name == "indexed-pairs" else "{int, str}"
    assert f"if type(xs) is list and set(map(type, xs)) <= {kinds}" in new
    assert CASES[name].endswith(textwrap.indent(textwrap.dedent(old), "    "))


def test_it_is_never_called_proven_and_says_what_it_hangs_on():
    made = plain("count-once", OFTEN)
    assert made.rewrite.name == "count-once-of-plain"
    assert made.doubts == ("whether the arguments are plain is all that it depends on",)


REFUSED = {
    "nothing is in doubt": OFTEN.replace("(xs)", "(xs: list[int])", 1),
    "type is something else": "def type(x):\n    return list\n\n\n" + OFTEN,
    "any number of arguments": OFTEN.replace("(xs)", "(xs, *more)", 1),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_near_misses_are_refused(text):
    assert plain("count-once", text) is None


DOUBTED = {
    "a parameter that is given by place alone": (
        "ordered-unique",
        "def f(ys, /, xs):\n    out = []\n    for y in ys:\n        if y not in out:\n"
        "            out.append(y)\n    for x in xs:\n        out.append(x)\n    return out\n",
    ),
    "what is read from a member": (
        "count-once",
        "import json\n\n\ndef f(xs):\n    ys = json.loads(xs[0])\n"
        "    return [y for y in ys if ys.count(y) > 1]\n",
    ),
    "a text of several lines": (
        "count-once",
        'def f(xs):\n    note = """a\nb"""\n    return [x for x in xs if xs.count(x) > 1], note\n',
    ),
}


@pytest.mark.parametrize(("name", "text"), DOUBTED.values(), ids=DOUBTED)
def test_where_plain_lists_leave_a_doubt_nothing_is_asked(name, text):
    found = list(rewritten(Program(text), {name: CATALOGUE[name]}))
    assert found
    assert [for_plain_lists(text, made) for made in found] == [None] * len(found)
