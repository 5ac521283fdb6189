"""Every kind of fault that the ladder is there for has an edit, in its class, that undoes it."""

import ast

import pytest

from bloomery.optimize.proposers.repair.candidates import Program, removes
from bloomery.optimize.proposers.repair.edits import Change, applied

LIST, INT, STR = frozenset({"list"}), frozenset({"int"}), frozenset({"str"})
TYPES = {
    "f": {"xs": LIST, "n": INT, "i": INT, "out": LIST, "text": STR, "best": INT, "low": INT, "xs[]": INT}
}

# class, the line as it is, the line as it should be; both stand in a loop of f(xs, n, text)
FAULTS = [
    (1, "if i < n: out.append(i)", "if i <= n: out.append(i)"),
    (1, "best = best - i", "best = best + i"),
    (1, "best -= i", "best += i"),
    (1, "best = i & (i ^ 1)", "best = i & (i | 1)"),
    (1, "best = 3", "best = 4"),
    (1, "if i and n: best = i", "if i or n: best = i"),
    (1, "best = any(xs)", "best = all(xs)"),
    (1, "best = max(best, i)", "best = min(best, i)"),
    (1, "if not i: best = n", "if i: best = n"),
    (1, "if i: break", "if i: continue"),
    (1, "text = text.lstrip()", "text = text.strip()"),
    (1, "out.append(xs)", "out.extend(xs)"),
    (2, "best = xs[i]", "best = xs[i - 1]"),
    (2, "best = len(xs)", "best = len(xs) + 1"),
    (2, "best = low", "best = n"),
    (2, "best, low = low, best", "best, low = best, low"),
    (2, "best = divmod(i, n)", "best = divmod(n, i)"),
    (2, "best = i - n", "best = n - i"),
    (2, "best = best + i", "best = best"),
    (2, "best = abs(i)", "best = i"),
    (2, "best = i + n * low", "best = (i + n) * low"),
    (2, "best = i * 10", "best = i * 100"),
    (2, "best = 64", "best = 32"),
    (2, "best = xs[i:]", "best = xs[i:n]"),
    (2, "best = i", "best += i"),
    (2, "low = i", "best = i"),
    (2, "sorted(xs)", "xs = sorted(xs)"),
    (2, "best = i if n else low", "best = low if n else i"),
    (3, "if xs[i] > 0: best = i", "if n > i and xs[i] > 0: best = i"),
    (3, "best = i - n", "best = max(0, i - n)"),
    (3, "best = sum(xs)", "best = sum(xs[1:])"),
    (3, "best = i", "best = i + n"),
    (3, "best = i", "best = i ** 2"),
    (3, "out = out", "out = out + [i]"),
    (3, "out = []", "out = [[]]"),
    (3, "out = []", "out = [i]"),
    (3, "return True", "return not xs"),
    (3, "return True", "return n == 0"),
    (3, "best = i + n", "best = (i + n) % 26"),
    (3, "best = xs", "best = len(xs)"),
    (3, "print(xs)", "print(*xs)"),
    (3, "text = 'a, b'", "text = 'a,b'"),
    (3, "best = xs[low]", "best = xs[i - n] if 0 else xs[low]"),
    (3, "best = 1", "best = 1\n        low = i"),
    (3, "best = 1", "best = 1\n        out.append(i)"),
    (3, "out.clear()", "pass"),
    (4, "best = low", "best = i + len(xs)"),
    (4, "best = low", "best = xs[n - 1]"),
    (4, "best = 1", "if not xs:\n            return out\n        best = 1"),
]
WITHHELD = {"best = xs[i - n] if 0 else xs[low]"}  # no fault of the list: the ladder must not hold everything

FRAME = """MOD = 26
def f(xs, n, text):
    out, best, low = [], 0, 0
    for i in range(n):
        {line}
        if 0 < i < n: out.append(26)
    return out
"""


def whole(tree):
    return tree.body


def in_the_loop(tree):
    return [inner for node in tree.body[-1].body if isinstance(node, ast.For) for inner in node.body]


def said(nodes):
    return [ast.dump(node) for node in nodes]


def reachable(text, cost, part=whole, lines=range(1, 20)):
    tree = ast.parse(text)
    program = Program(tree, "program.py", dict.fromkeys(lines, 1.0), TYPES)
    for edit in program.edits(cost, 10**6):
        with applied(edit.changes):
            yield said(part(tree))


@pytest.mark.parametrize(("cost", "is_now", "should_be"), FAULTS)
def test_a_fault_of_the_list_is_undone_by_an_edit_of_its_class(cost, is_now, should_be):
    wanted = said(in_the_loop(ast.parse(FRAME.format(line=should_be))))
    found = reachable(FRAME.format(line=is_now), cost, in_the_loop, lines=[5, 6])
    assert (wanted in found) == (should_be not in WITHHELD)


CHAIN = """def f(n):
    if n < 1:
        out = 0
    elif n < 5:
        out = 1
    else:
        out = 2
    return out
"""
BROKEN_CHAIN = CHAIN.replace("    elif", "    if")
LATE = """def f(xs):
    total = 0
    for x in xs:
        total += x
    return total
"""
EARLY = LATE.replace("    return", "        return")


@pytest.mark.parametrize(
    ("broken", "right", "cost"),
    [(BROKEN_CHAIN, CHAIN, 2), (CHAIN, BROKEN_CHAIN, 2), (EARLY, LATE, 3), (LATE, EARLY, 3)],
)
def test_branches_and_indents_are_mended(broken, right, cost):
    assert said(ast.parse(right).body) in reachable(broken, cost)


def test_a_table_of_the_module_is_edited_where_suspected_lines_read_it():
    text = "HOURS = {'h': 360}\ndef f(n):\n    return HOURS['h'] * n\n"
    assert said(ast.parse(text.replace("360", "3600")).body) in reachable(text, 2)
    assert said(ast.parse(text.replace("360", "3600")).body) not in reachable(
        text.replace("HOURS['h']", "2"), 2
    )


def test_lines_that_no_failing_test_runs_are_left_alone():
    tree = ast.parse("def f(n):\n    if n:\n        return 1\n    return 2\n")
    program = Program(tree, "program.py", {2: 1.0, 4: 1.0}, {})
    assert {edit.line for cost in (1, 2) for edit in program.edits(cost, 1000)} == {2, 4}


def test_edits_that_come_to_the_same_code_are_tried_once():
    tree = ast.parse("def f(n):\n    return n < 1\n")
    program = Program(tree, "program.py", {2: 1.0}, {})
    edit = program.edits(1, 1)[0]
    assert program.trial(edit, 0) is not None
    assert program.trial(edit, 1) is None


def test_what_nothing_reaches_after_an_edit_counts_as_taken_away():
    tree = ast.parse("def f(xs):\n    first = xs[0]\n    print(first)\n    return first\n")
    block = tree.body[0]
    early = Change(block, "body", tuple(ast.parse("return 1").body), 1, 1)
    late = Change(block, "body", tuple(ast.parse("first = 2").body), 1, 1)
    assert (removes(early), removes(late)) == (3, 0)
