"""Scenarios where none are given: tests that call the module, and calls that can be guessed."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from bloomery.core.sandbox import Limits
from bloomery.optimize.equivalence.mining import mine
from bloomery.optimize.faults.executing import Subject, execute
from bloomery.optimize.faults.schedule import Scenario
from bloomery.source.modules import module_name
from bloomery.source.python import FUNCTION, Function

MOST_TESTS = 12
MOST_CALLS = 3
MOST_METHODS = 6
RECORD = json.dumps({"name": "first", "value": 7, "items": [1, 2, 3], "port": 80})
FILES = {
    "given.json": RECORD,
    "given.txt": "first=1\nsecond=2\nthird=3\n",
    "given.csv": "name,value\nfirst,1\nsecond,2\n",
    "folder/one.txt": "one\n",
    "folder/two.txt": "two\n",
}
GUESSES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("url", "uri", "endpoint"), ('"http://service.example/data"',)),
    (("host", "server", "hostname"), ('"service.example"',)),
    (("port",), ("80",)),
    (("address", "addr"), ('("service.example", 80)',)),
    (("paths", "files", "filenames"), ('["given.txt", "given.json"]',)),
    (("folder", "directory", "root", "dir"), ('"folder"',)),
    (("path", "file", "filename", "source", "src", "name"), ('"given.json"', '"given.txt"', '"given.csv"')),
    (("target", "destination", "dst", "dest", "output", "out"), ('"made.txt"',)),
    (("text", "content", "line", "message", "body", "payload"), ('"some text"',)),
    (
        ("data", "record", "settings", "config", "value", "state", "values"),
        ('{"name": "first", "value": 7}',),
    ),
    (("rows", "items", "records", "lines"), ('[{"name": "first", "value": 1}]', '["a", "b"]')),
    (("timeout", "seconds", "ttl", "delay", "interval", "attempts", "retries"), ("3",)),
    (("n", "count", "amount", "size", "number", "limit", "length"), ("3",)),
)
BY_TYPE = {
    "int": "3",
    "float": "1.5",
    "str": '"text"',
    "bytes": 'b"text"',
    "bool": "True",
    "Path": '__import__("pathlib").Path("given.json")',
    "dict": '{"name": "first"}',
    "list": "[1, 2, 3]",
}


def test_files(root: Path, path: str, tests: Sequence[str]) -> list[str]:
    """Of files, folders and nodes of tests, the files that name the module."""
    names = [root / test.partition("::")[0] for test in tests]
    files = [file for one in names for file in (sorted(one.rglob("*.py")) if one.is_dir() else [one])]
    module = Path(path).parent.name if Path(path).stem == "__init__" else Path(path).stem
    word = re.compile(rf"\b{re.escape(module)}\b")
    usable = [one for one in files if one.suffix == ".py" and one.name != "conftest.py" and one.is_file()]
    kept = [one.resolve().relative_to(root.resolve()) for one in usable if word.search(one.read_text())]
    return list(dict.fromkeys(one.as_posix() for one in kept))


def found_scenarios(which: Subject, tests: Sequence[str], limits: Limits) -> list[Scenario]:
    """Tests first; calls are guessed for the functions of the module that no test names."""
    chosen = list(_of_tests(which, tests, limits))
    tree = ast.parse(which.files[which.path])
    named = " ".join(which.files[test] for test in tests if test in which.files)
    return chosen + list(
        _of_calls(tree, [ast.parse(which.files[t]) for t in tests if t in which.files], named)
    )


def _of_tests(which: Subject, tests: Sequence[str], limits: Limits) -> Iterator[Scenario]:
    modules = {_test_module(which, path): path for path in tests if path in which.files}
    if not modules:
        return
    listed = execute(which, [], limits=limits, tests=list(modules)).tests
    made = [
        Scenario(f"{modules[name]}::{test.replace('.', '::')}", test={
            "module": name, "name": test, "case": case, "path": modules[name],
        })
        for name, found in listed.items()
        for test, count in found
        for case in range(min(count, 2))
    ]  # fmt: skip
    yield from made[:MOST_TESTS]


def _test_module(which: Subject, path: str) -> str:
    roots = [Path("/", root) for root in which.roots]
    return module_name(Path("/", path), roots)


def _of_calls(tree: ast.Module, tests: Sequence[ast.Module], named: str) -> Iterator[Scenario]:
    functions = [one for one in tree.body if isinstance(one, FUNCTION) and one.name[0] != "_"]
    left = [one for one in functions if one.name not in named]
    mined = mine([tree], tests, [one.name for one in left])
    for function in left:
        calls = [", ".join(f"{k}={v}" if k else v for k, v in given) for given in mined.calls[function.name]]
        calls += guessed(function)
        for given in list(dict.fromkeys(calls))[:MOST_CALLS]:
            call = f"{function.name}({given})"
            yield Scenario(call, text=call, files=FILES)
    for kind in tree.body:
        if isinstance(kind, ast.ClassDef) and kind.name[0] != "_" and kind.name not in named:
            yield from _of_class(kind)


def _of_class(kind: ast.ClassDef) -> Iterator[Scenario]:
    """An object made with guessed arguments, and each of its methods called on it, in their order."""
    methods = {one.name: one for one in kind.body if isinstance(one, ast.FunctionDef)}
    made = guessed(methods["__init__"], bound=True) if "__init__" in methods else [_of_fields(kind)]
    public = [one for one in methods.values() if one.name[0] != "_" and not one.decorator_list]
    for given in made[:1]:
        start = f"one = {kind.name}({given})"
        whole = [start]
        for method in public[:MOST_METHODS]:
            call = f"one.{method.name}({guessed(method, bound=True)[0]})"
            yield Scenario(f"{kind.name}.{method.name}", text=f"{start}\n{call}", files=FILES)
            whole.append(call)
        if len(whole) > 2:
            yield Scenario(f"{kind.name}, all methods", text="\n".join(whole), files=FILES)


def _of_fields(kind: ast.ClassDef) -> str:
    """What a dataclass is made with."""
    fields = [one for one in kind.body if isinstance(one, ast.AnnAssign) and one.value is None]
    names = [one for one in fields if isinstance(one.target, ast.Name) and kind.decorator_list]
    given = [ast.arg(one.target.id, one.annotation) for one in names if isinstance(one.target, ast.Name)]
    return ", ".join(_options(one)[0] for one in given)


def guessed(function: Function, *, bound: bool = False) -> list[str]:
    """Arguments by what parameters are called and annotated; as many variants as the first of them has."""
    parameters = (function.args.posonlyargs + function.args.args)[1 if bound else 0 :]
    wanted = parameters[: len(parameters) - len(function.args.defaults)]
    options = [_options(one) for one in wanted]
    most = max((len(one) for one in options), default=1)
    rng = Random(0)
    rows = [[one[at] if at < len(one) else rng.choice(one) for one in options] for at in range(most)]
    return [", ".join(row) for row in rows]


def _options(parameter: ast.arg) -> tuple[str, ...]:
    words = parameter.arg.lower().split("_")
    kind = ast.unparse(parameter.annotation) if parameter.annotation else ""
    for names, values in GUESSES:
        if any(word in names for word in words) and (kind in ("", "str", "Any") or kind not in BY_TYPE):
            return values
    return (BY_TYPE.get(kind.partition("[")[0], '"text"'),)
