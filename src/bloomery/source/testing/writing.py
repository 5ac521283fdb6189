"""Tests as a file that a person would want to read."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.source.languages.formatting import format_text
from bloomery.source.languages.registry import language
from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.drawing import snake
from bloomery.source.testing.naming import name_of, unique

LONG_FLOAT = 8
STANDARD = {"datetime", "math", "asyncio"}


@dataclass(frozen=True)
class Written:
    """One test as text; `needs`: names that it uses, with their modules ("" is the module under test)."""

    name: str
    text: str
    needs: Mapping[str, str]
    callee: str = ""


def write(case: Case, seen: Seen, parts: frozenset[str], taken: set[str], own: frozenset[str]) -> Written:
    """The test of one case. `own`: the names that the module under test defines."""
    name = unique(name_of(case, seen, parts), taken)
    body = [*inlined(case, seen, parts)]
    call = body.pop()
    body += _raised(seen, call) if seen.state == "raised" else _returned(case, seen, parts, call)
    body += _changed(seen, parts)
    text = f"def {name}():\n" + "\n".join(f"    {line}" for line in body) + "\n"
    needs = {**dict(case.needs), **seen.needs, **(_home(seen) if seen.state == "raised" else {})}
    words = set(re.findall(r"\b[A-Za-z_]\w*\b", text))
    needs = {name: home for name, home in needs.items() if name in words and name not in own}
    needs |= dict.fromkeys(words & own, "")
    needs |= {word: word for word in ("pytest", "math") if f"{word}." in text}
    return Written(name, text, needs, case.callee)


def file_text(module: str, tests: Iterable[Written], *, note: str = "") -> str:
    """The whole file, formatted where ruff is installed."""
    tests = list(tests)
    needs: dict[str, str] = {}
    for one in tests:
        needs.update(one.needs)
    said = note or "Each test was seen to fail on a wrong version of it."
    head = f'"""What `{module}` does, as it was seen. {said}"""\n'
    text = "\n\n".join([head + "\n" + _imports(module, needs), *(one.text for one in tests)])
    return formatted(text)


def formatted(text: str, settings: Path | None = None) -> str:
    try:
        return format_text(text, language("python"), settings=settings)
    except CapabilityMissing:
        return text


def _imports(module: str, needs: Mapping[str, str]) -> str:
    whole = {name for name, home in needs.items() if home == name}
    parts: dict[str, list[str]] = {}
    for name, home in needs.items():
        if home != name:
            parts.setdefault(home or module, []).append(name)
    standard = sorted(f"import {name}" for name in whole if name != "pytest")
    known = {"decimal", "fractions", "pathlib", "collections", "uuid", "datetime"}
    standard += [_from(home, parts.pop(home)) for home in sorted(parts) if home in known]
    third = ["import pytest"] if "pytest" in whole else []
    third += _lines("hypothesis", parts.pop("hypothesis")) if "hypothesis" in parts else []
    own = [line for home in sorted(parts) for line in _lines(home, parts[home])]
    return "\n\n".join("\n".join(group) for group in (standard, third, own) if group) + "\n"


def _lines(home: str, names: Sequence[str]) -> list[str]:
    """One line for a module's names, and one more for each that gets another name."""
    plain = [name for name in names if " as " not in name]
    renamed = [f"from {home} import {name}" for name in names if " as " in name]
    return ([_from(home, plain)] if plain else []) + renamed


def _from(home: str, names: Sequence[str]) -> str:
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
    return f"from {home} import {', '.join(ordered)}"


def _home(seen: Seen) -> dict[str, str]:
    return {} if seen.home == "builtins" else {seen.kind.partition(".")[0]: seen.home}


def inlined(case: Case, seen: Seen, parts: frozenset[str]) -> list[str]:
    """Setup and call; what is bound for one use, and left as it was, stands where it is used."""
    lines = [*case.setup, case.call]
    if "after" in parts:
        return lines
    for text in case.setup:
        name, sign, value = text.partition(" = ")
        used = re.compile(rf"(?<![\w.'\"]){re.escape(name)}(?![\w'\"])(?!=)")
        rest = [line for line in lines if line is not text]
        uses = [line for line in rest if used.search(line)]
        if not sign or name in seen.changed or len(uses) != 1 or len(used.findall(uses[0])) != 1:
            continue
        if f".{name}" in uses[0] or re.search(rf"\b{re.escape(name)}\.", uses[0]) or "lambda" in value:
            continue
        if len(uses[0]) + len(value) > 80:
            continue
        said = value.replace("\\", r"\\")
        lines = [used.sub(said, line) if line in uses else line for line in rest]
    return lines


def _raised(seen: Seen, call: str) -> list[str]:
    return [f"with pytest.raises({seen.kind}):", f"    {call}"]


def _returned(case: Case, seen: Seen, parts: frozenset[str], call: str) -> list[str]:
    if seen.text is None or (case.callee.endswith("__init__") and seen.attributes):
        return _object(case, seen, call)
    if seen.text == "None":
        return [call] if seen.changed else [f"assert {call} is None"]
    called = f"list({call})" if seen.stream else call
    if "type" in parts:
        return [f"result = {called}", _equal("result", seen.text), f"assert type(result) is {seen.kind}"]
    return [_equal(called, seen.text)]


def _equal(left: str, text: str) -> str:
    if text in ("True", "False"):
        return f"assert {left} is {text}"
    if text == 'float("nan")':
        return f"assert math.isnan({left})"
    return f"assert {left} == {equality(text)}"


def equality(text: str) -> str:
    """What a value is compared with: numbers of many digits within a tolerance, where pytest can do that."""
    node = ast.parse(text, mode="eval").body
    numbers = [node] if isinstance(node, ast.Constant | ast.UnaryOp) else getattr(node, "elts", None)
    if isinstance(node, ast.Dict):
        numbers = node.values
    if not numbers or isinstance(node, ast.Set):
        return text
    flat = [getattr(one, "operand", one) for one in numbers]
    values = [getattr(one, "value", None) for one in flat]
    long = [one for one in values if isinstance(one, float) and len(repr(one)) > LONG_FLOAT]
    plain = all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
    return f"pytest.approx({text})" if long and plain else text


def _object(case: Case, seen: Seen, call: str) -> list[str]:
    if not seen.attributes:
        return [call] if seen.changed else [f'assert type({call}).__name__ == "{seen.kind}"']
    simple = call.isidentifier()
    name = call if simple else _fresh(snake(seen.kind), case)
    lines = [] if simple else [f"{name} = {call}"]
    return lines + [_equal(f"{name}.{key}", text) for key, text in seen.attributes.items()]


def _fresh(name: str, case: Case) -> str:
    words = set(re.findall(r"\w+", "\n".join((*case.setup, case.call))))
    return "result" if name in words or not name.isidentifier() else name


def _changed(seen: Seen, parts: frozenset[str]) -> list[str]:
    lines = []
    for name, after in seen.after.items():
        if isinstance(after, str) and (name in seen.changed or "after" in parts):
            lines.append(_equal(name, after))
        elif isinstance(after, dict) and name in seen.changed:
            before = seen.before.get(name) or {}
            lines += [_equal(f"{name}.{key}", text) for key, text in after.items() if before.get(key) != text]
    return lines
