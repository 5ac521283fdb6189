"""Small gates that no linter has: what STYLE asks for and a syntax tree can show.

    python -m scripts.gates          # judge the tracked files of this checkout; exit 1 on any finding

A line may carry its own reason: `# edge: ...` on a broad except, `# read by: ...` on a config field that only
a library reads, `# path: ...` on a line whose absolute path is meant.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FUNCTION_LINES = 60
CEREMONY = {"Manager", "Handler", "Factory", "Helper", "Engine", "Controller", "Processor"}
EMPTY_MODULES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
BOAST = re.compile(r"(?:^|_)(?:enhanced|advanced|improved|v[2-9])(?:_|$)")
MACHINE_PATH = re.compile(r"(?<![\w.~}])/(?:work|root|home/\w+|Users/\w+|opt/(?:pypi|wheels))\b(?!-)")
INDEX_HOST = re.compile(r"\b(?:(?:test\.)?pypi\.org/simple|files\.pythonhosted\.org|download\.pytorch\.org)")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Finding:
    path: Path
    line: int
    gate: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.gate}] {self.text}"


@dataclass(frozen=True)
class Source:
    """One Python file, parsed once for all gates."""

    path: Path
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: Path, text: str | None = None) -> "Source":
        text = path.read_text() if text is None else text
        return cls(path, text, ast.parse(text, str(path)))

    def line(self, number: int) -> str:
        return self.text.splitlines()[number - 1]

    def finding(self, node: ast.AST, gate: str, text: str) -> Finding:
        return Finding(self.path, getattr(node, "lineno", 1), gate, text)

    def nodes(self, *kinds: type) -> Iterator:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))


def long_functions(source: Source) -> Iterator[Finding]:
    for node in source.nodes(*FUNCTION):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            yield source.finding(
                node, "long-function", f"{node.name} has {lines} lines, at most {MAX_FUNCTION_LINES}"
            )


def words(name: str) -> list[str]:
    """The words of a CamelCase name."""
    return re.findall(r"[A-Z]+(?![a-z0-9])|[A-Z]?[a-z0-9]+", name)


def snake(name: str) -> str:
    return "_".join(word.lower() for word in words(name)) if name != name.lower() else name


def ceremony_names(source: Source) -> Iterator[Finding]:
    if source.path.stem in EMPTY_MODULES or BOAST.search(source.path.stem):
        yield Finding(
            source.path, 1, "ceremony-name", f"module {source.path.stem}: name it for the idea it holds"
        )
    for node in source.nodes(ast.ClassDef, *FUNCTION):
        ceremony = CEREMONY.intersection(words(node.name)) if isinstance(node, ast.ClassDef) else set()
        if ceremony or BOAST.search(snake(node.name)):
            yield source.finding(node, "ceremony-name", f"{node.name}: name it for what it is or does")


def called_name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def says_something(test: ast.expr) -> bool:
    """Whether an asserted expression could come out false for wrong values."""
    if isinstance(test, ast.Constant):
        return False
    is_not_none = (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.IsNot)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value is None
    )
    return not is_not_none


def is_check(node: ast.AST, checking: frozenset[str]) -> bool:
    if isinstance(node, ast.Assert):
        return says_something(node.test)
    if not isinstance(node, ast.Call):
        return False
    name = called_name(node)
    return name in {"raises", "warns", "fail"} | checking or name.startswith(("assert_", "check_", "expect_"))


def checking_functions(source: Source) -> frozenset[str]:
    """Functions of this file that hold a check, directly or through one another."""
    functions = [node for node in source.nodes(*FUNCTION) if not node.name.startswith("test")]
    found: frozenset[str] = frozenset()
    while True:
        names = {f.name for f in functions if any(is_check(node, found) for node in ast.walk(f))}
        if names == found:
            return found
        found = frozenset(names)


def silent_tests(source: Source) -> Iterator[Finding]:
    if not source.path.name.startswith("test_"):
        return
    checking = checking_functions(source)
    for node in source.nodes(*FUNCTION):
        if node.name.startswith("test") and not any(is_check(inner, checking) for inner in ast.walk(node)):
            yield source.finding(node, "silent-test", f"{node.name} checks nothing: it cannot fail")


def in_package(source: Source) -> bool:
    return "src" in source.path.parts


def prints(source: Source) -> Iterator[Finding]:
    if not in_package(source) or "cli" in source.path.parts:
        return
    for node in source.nodes(ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            yield source.finding(node, "print", "print outside cli/: log it, or return it to the caller")


def catches_everything(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in {"Exception", "BaseException"} for kind in kinds)


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether the handler ends by raising what it caught, or something that names it as the cause."""
    last = handler.body[-1]
    if not isinstance(last, ast.Raise):
        return False
    return last.exc is None or (isinstance(last.cause, ast.Name) and last.cause.id == handler.name)


def broad_excepts(source: Source) -> Iterator[Finding]:
    for node in source.nodes(ast.ExceptHandler):
        if not catches_everything(node) or raises_again(node):
            continue
        if not re.search(r"# edge: \w", source.line(node.lineno)):
            yield source.finding(node, "broad-except", "catch what you expect, or say `# edge: <which>` here")


def unexplained_skips(source: Source) -> Iterator[Finding]:
    for node in source.nodes(ast.Call, ast.Attribute):
        call = node if isinstance(node, ast.Call) else None
        name = ast.unparse(call.func if call else node)
        if name not in {
            "pytest.skip",
            "pytest.xfail",
            "pytest.mark.skip",
            "pytest.mark.xfail",
            "pytest.mark.skipif",
        }:
            continue
        if call is None:
            if not any(getattr(other, "func", None) is node for other in source.nodes(ast.Call)):
                yield source.finding(node, "skip", f"{name} without a reason")
        elif not has_reason(call, positional=name in {"pytest.skip", "pytest.xfail"}):
            yield source.finding(node, "skip", f"{name} without a reason")


def has_reason(call: ast.Call, *, positional: bool) -> bool:
    given = [keyword.value for keyword in call.keywords if keyword.arg in {"reason", "msg"}]
    given += call.args[:1] if positional else []
    return any(not (isinstance(value, ast.Constant) and not value.value) for value in given)


def machine_paths(path: Path, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if "# path: " in line:
            continue
        if found := MACHINE_PATH.search(line):
            yield Finding(path, number, "machine-path", f"{found[0]} exists on one machine only")
        if found := INDEX_HOST.search(line):
            yield Finding(
                path, number, "index-host", f"{found[0]}: which index to use is the user's to configure"
            )


def config_fields(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Fields of classes named *Config, and fields made by `option(...)` anywhere."""
    for node in source.nodes(ast.ClassDef):
        for statement in node.body:
            if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                continue
            by_option = isinstance(statement.value, ast.Call) and called_name(statement.value) == "option"
            is_class_variable = "ClassVar" in ast.unparse(statement.annotation)
            if (node.name.endswith("Config") or by_option) and not is_class_variable:
                yield statement, f"{node.name}.{statement.target.id}"


def attributes_read(source: Source) -> set[str]:
    """Attributes that are loaded, but for those that a class only cross-checks in __post_init__."""
    only_checked = {
        id(inner)
        for function in source.nodes(*FUNCTION)
        if function.name == "__post_init__"
        for inner in ast.walk(function)
    }
    return {
        node.attr
        for node in source.nodes(ast.Attribute)
        if isinstance(node.ctx, ast.Load) and id(node) not in only_checked
    }


def unread_fields(sources: list[Source]) -> Iterator[Finding]:
    package = [source for source in sources if in_package(source)]
    read = set().union(*(attributes_read(source) for source in package))
    for source in package:
        for field, name in config_fields(source):
            explained = re.search(r"# read by: \w", source.line(field.end_lineno or field.lineno))
            if name.rpartition(".")[2] not in read and not explained:
                yield source.finding(field, "unread-field", f"{name} is a knob that nothing reads")


Gate = Callable[[Source], Iterator[Finding]]
GATES: tuple[Gate, ...] = (
    long_functions,
    ceremony_names,
    silent_tests,
    prints,
    broad_excepts,
    unexplained_skips,
)


def tracked_files(root: Path) -> list[Path]:
    """Files that git tracks or would track, as paths relative to root."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in sorted(set(names.splitlines())) if (root / name).is_file()]


def text_of(path: Path) -> str | None:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return None


def findings(root: Path) -> list[Finding]:
    texts = {path: text for path in tracked_files(root) if (text := text_of(root / path)) is not None}
    sources = [Source.parse(path, text) for path, text in texts.items() if path.suffix == ".py"]
    found = [finding for source in sources for gate in GATES for finding in gate(source)]
    found += unread_fields(sources)
    return found + [finding for path, text in texts.items() for finding in machine_paths(path, text)]


def main() -> int:
    found = findings(Path.cwd())
    for finding in found:
        print(finding)
    print(f"gates: {len(found)} findings" if found else "gates: nothing to object to")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
