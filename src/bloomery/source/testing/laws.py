"""The template `property`: laws that a function may keep, tried by Hypothesis on drawn values of its types.

A law is only proposed here; most do not hold. What does not is thrown away when the tests are proved; what
holds for every wrong version too says nothing, and goes the same way.

Differs: Hypothesis' ghostwriter writes such tests, too, and is not asked. Of its 122 tests for the eight
modules of `benchmarks/tested` that have functions, 16 held; seven noticed 19 of 260 wrong versions; the tests
that are generated anyway notice all 19.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bloomery.source.python import Parsed, functions
from bloomery.source.testing.callees import Callee
from bloomery.source.testing.naming import unique
from bloomery.source.testing.writing import Written

SETTINGS = (
    "settings(derandomize=True, max_examples=60, deadline=None, database=None, phases=[Phase.generate])"
)
STRATEGIES = {
    "int": "st.integers(-20, 20)", "float": "st.floats(-100, 100)", "bool": "st.booleans()",
    "str": 'st.text("ab A1-,\\n", max_size=8)', "bytes": "st.binary(max_size=8)",
}  # fmt: skip
NATURAL = "st.integers(0, 30)"
HOLDERS = {
    "list": "lists",
    "Sequence": "lists",
    "Iterable": "lists",
    "set": "sets",
    "frozenset": "frozensets",
}
SIZED = {"list", "Sequence", "str", "Iterable"}


@dataclass(frozen=True)
class Law:
    """A claim in words, and its statements; `draws`: names with types; `others`: what else is called."""

    words: str
    statements: tuple[str, ...]
    draws: tuple[tuple[str, str], ...]
    others: tuple[str, ...] = ()


def lawful(parsed: Parsed, callees: Sequence[Callee]) -> list[Written]:
    """Proposed property tests of functions whose parameters all have types that can be drawn."""
    taken: set[str] = set()
    returns = {name: _type(node.returns) for name, node in functions(parsed.tree).items()}
    plain = [one for one in callees if one.kind == "function" and not one.is_async and one.parameters]
    found = []
    for one in plain:
        found += [_written(one, law, taken) for law in _laws(one, returns, plain)]
    return found


def _laws(one: Callee, returns: dict[str, str], others: Sequence[Callee]) -> Iterator[Law]:
    types = [_type(parameter.annotation) for parameter in one.parameters if parameter.required]
    if not types or any(strategy(text) is None for text in types):
        return
    f, result = one.name, returns[one.name]
    x = tuple(zip("abcd", types, strict=False))
    args = ", ".join(name for name, _ in x)
    if len(types) > 4:
        return
    if len(types) == 1:
        yield from _of_one(f, types[0], result, x)
        yield from _inverses(one, types[0], result, returns, others)
    if len(types) == 2 and types[0] == types[1]:
        yield Law(f"{f}_does_not_care_which_comes_first", (f"assert {f}(a, b) == {f}(b, a)",), x)
        if result == types[0]:
            c = (*x, ("c", types[0]))
            yield Law(
                f"{f}_may_be_grouped_either_way", (f"assert {f}({f}(a, b), c) == {f}(a, {f}(b, c))",), c
            )
            yield Law(f"{f}_of_equal_values_is_that_value", (f"assert {f}(a, a) == a",), x[:1])
    if len(types) > 1 and result == types[0] and set(types) == {result}:
        yield Law(f"{f}_gives_one_of_its_arguments", (f"assert {f}({args}) in ({args})",), x)
        again = (f"once = {f}({args})", f"assert {f}(once, {args[3:]}) == once")
        yield Law(f"{f}_twice_is_{f}_once", again, x)
    if result in ("int", "float"):
        yield Law(f"{f}_is_never_negative", (f"assert {f}({args}) >= 0",), x)


def _of_one(f: str, kind: str, result: str, x: tuple[tuple[str, str], ...]) -> Iterator[Law]:
    outer = kind.partition("[")[0]
    if result == kind:
        yield Law(f"{f}_twice_is_{f}_once", (f"assert {f}({f}(a)) == {f}(a)",), x)
        yield Law(f"{f}_undoes_itself", (f"assert {f}({f}(a)) == a",), x)
    if outer in SIZED and result.partition("[")[0] in SIZED:
        yield Law(f"{f}_keeps_the_length", (f"assert len({f}(a)) == len(a)",), x)
        yield Law(f"{f}_keeps_the_items_in_some_order", (f"assert sorted({f}(a)) == sorted(a)",), x)
        yield Law(f"{f}_adds_nothing", (f"assert set({f}(a)) <= set(a)",), x)
        yield Law(f"{f}_gives_its_items_in_order", (f"made = list({f}(a))", "assert made == sorted(made)"), x)
    if outer == "list":
        yield Law(
            f"{f}_leaves_its_argument_as_it_was", ("before = list(a)", f"{f}(a)", "assert a == before"), x
        )
        yield Law(f"{f}_does_not_care_about_order", (f"assert {f}(a) == {f}(a[::-1])",), x)


def _inverses(
    one: Callee, kind: str, result: str, returns: dict[str, str], others: Sequence[Callee]
) -> Iterator[Law]:
    for other in others:
        required = [parameter for parameter in other.parameters if parameter.required]
        if other is one or len(required) != 1:
            continue
        if _type(required[0].annotation) == result and returns[other.name] == kind:
            said = f"assert {other.name}({one.name}(a)) == a"
            yield Law(f"{other.name}_undoes_{one.name}", (said,), (("a", kind),), (other.name,))


def strategy(kind: str, *, natural: bool = False) -> str | None:
    """The Hypothesis strategy of a type, as text; None for a type that has none here."""
    if natural and kind == "int":
        return NATURAL
    if kind in STRATEGIES:
        return STRATEGIES[kind]
    node = ast.parse(kind or "None", mode="eval").body
    if not isinstance(node, ast.Subscript):
        return None
    outer = ast.unparse(node.value)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    parts = [strategy(_type(one), natural=natural) for one in inner]
    if any(part is None for part in parts):
        return None
    if outer in HOLDERS and len(parts) == 1:
        return f"st.{HOLDERS[outer]}({parts[0]}, max_size=6)"
    if outer == "tuple":
        return f"st.tuples({', '.join(map(str, parts))})"
    if outer in ("dict", "Mapping") and len(parts) == 2:
        return f"st.dictionaries({parts[0]}, {parts[1]}, max_size=4)"
    return None


def _type(node: ast.expr | None) -> str:
    if node is None:
        return ""
    quoted = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if quoted else ast.unparse(node)  # type: ignore[attr-defined]


def _written(one: Callee, law: Law, taken: set[str]) -> Written:
    name = unique(f"test_{law.words}", taken)
    natural = any(kind == "int" for _, kind in law.draws)
    drawn = ", ".join(f"{at}={strategy(kind, natural=natural)}" for at, kind in law.draws)
    body = "".join(f"    {line}\n" for line in law.statements)
    text = f"@{SETTINGS}\n@given({drawn})\ndef {name}({', '.join(at for at, _ in law.draws)}):\n{body}"
    needs = dict.fromkeys(("Phase", "given", "settings", "strategies as st"), "hypothesis")
    own = dict.fromkeys((one.name, *law.others), "")
    return Written(name, text, needs | own, one.name)
