"""Names of tests that are claims: what is called, with what, and what comes of it."""

import ast
import re
from collections.abc import Mapping

from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.drawing import snake

MOST_CHARACTERS = 88
OPERATIONS = ("len", "repr", "str", "list", "bool", "hash", "int", "float", "abs")


def name_of(case: Case, seen: Seen, parts: frozenset[str]) -> str:
    """A name for the test of a case; short enough for a line, and not yet unique."""
    subject = f"test_{_subject(case)}"
    for detail in (3, 1, 0):
        name = f"{subject}{_given(case, detail)}{_after(case, detail)}_{_claim(case, seen, parts, detail)}"
        name = re.sub(r"_+", "_", name).strip("_")
        if len(name) <= MOST_CHARACTERS:
            return name
    return name[:MOST_CHARACTERS].rstrip("_")


def unique(name: str, taken: set[str]) -> str:
    found, at = name, 2
    while found in taken:
        found, at = f"{name}_case_{at}", at + 1
    taken.add(found)
    return found


def words_for(node: ast.expr, bound: Mapping[str, ast.expr], detail: int = 3) -> str:
    """A value in words that a name can hold."""
    if isinstance(node, ast.Name) and node.id in bound:
        return words_for(bound[node.id], {}, detail)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"minus_{words_for(node.operand, bound, detail)}"
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        kind = type(node).__name__.lower()
        if not node.elts:
            return f"an_empty_{kind}"
        simple = all(isinstance(one, ast.Constant | ast.UnaryOp) for one in node.elts)
        if simple and len(node.elts) <= detail:
            return "_".join(words_for(one, bound, detail) for one in node.elts)
        return f"a_{kind}_of_{len(node.elts)}"
    if isinstance(node, ast.Dict):
        return f"a_mapping_of_{len(node.keys)}" if node.keys else "an_empty_mapping"
    if isinstance(node, ast.Lambda):
        return "a_function"
    if isinstance(node, ast.Call):
        name = snake(ast.unparse(node.func).rpartition(".")[2])
        return name if name in ("set", "str", "len") else a(name)
    return snake(ast.unparse(node).rpartition(".")[2]) if isinstance(node, ast.Attribute) else "another_value"


def a(noun: str) -> str:
    """With its article."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'}_{noun}"


def _constant(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        text = repr(abs(value)).replace(".", "_").replace("+", "").replace("-", "minus_")
        return ("minus_" if value < 0 else "") + text.removesuffix("_0")
    if isinstance(value, str):
        if not value:
            return "an_empty_text"
        slug = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
        return slug if 0 < len(slug) <= 16 else f"a_text_of_{len(value)}"
    return "bytes" if isinstance(value, bytes) else "another_value"


def _subject(case: Case) -> str:
    owner, _, name = case.callee.rpartition(".")
    if name == "__init__":
        return f"a_fresh_{snake(owner)}"
    word = name.strip("_")
    return f"{snake(owner)}_{word}" if owner else word


def _given(case: Case, detail: int) -> str:
    bound = _bound(case)
    call = ast.parse(case.call).body[0]
    node = getattr(call, "value", None)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run":
        node = node.args[0]
    if not isinstance(node, ast.Call) or detail == 0:
        return ""
    words = [words_for(one, bound, detail) for one in node.args]
    words += [f"{one.arg}_{words_for(one.value, bound, detail)}" for one in node.keywords]
    receiver = (
        case.setup and case.callee.count(".") and len(words) == 1 and ast.unparse(node.func) in OPERATIONS
    )
    return f"_of_{'_and_'.join(words)}" if words and not receiver else ""


def _after(case: Case, detail: int) -> str:
    steps = [text for text in case.setup if not re.match(r"\w+ = ", text)]
    names = [match[1] for text in steps if (match := re.match(r"\w+\.(\w+)\(", text))]
    if not names or detail == 0:
        return ""
    return f"_after_{'_and_'.join(dict.fromkeys(one.strip('_') for one in names))}"


def _claim(case: Case, seen: Seen, parts: frozenset[str], detail: int) -> str:
    if seen.state == "raised":
        return f"raises_{snake(seen.kind.rpartition('.')[2])}"
    if "after" in parts:
        return "leaves_what_it_was_given_as_it_was"
    if "type" in parts:
        return f"gives_{a(snake(seen.kind))}"
    if seen.changed and seen.text in (None, "None"):
        return f"changes_{'_and_'.join(seen.changed)}"
    if seen.text is None or case.callee.endswith("__init__"):
        return (
            f"has_its_{'_and_'.join(list(seen.attributes)[:2])}"
            if seen.attributes
            else f"gives_{a(snake(seen.kind))}"
        )
    if seen.text == 'float("nan")':
        return "is_not_a_number"
    node = ast.parse(seen.text, mode="eval").body
    return f"is_{words_for(node, {}, detail)}"


def _bound(case: Case) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for text in case.setup:
        node = ast.parse(text).body[0]
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found
