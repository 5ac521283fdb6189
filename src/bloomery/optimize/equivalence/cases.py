"""One changed file under verification: both versions, what differs, and what inputs may be built from."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bloomery.core.sandbox import Limits
from bloomery.optimize.equivalence.executing import Side, files_of
from bloomery.optimize.equivalence.kinds import classes_of, contains_any, parameters
from bloomery.optimize.equivalence.methods import LEFT_OUT
from bloomery.optimize.equivalence.mining import Arguments, Mined, mine
from bloomery.optimize.equivalence.planning import Entry
from bloomery.optimize.equivalence.values import Values
from bloomery.optimize.equivalence.versions import Changed, Place, Version, changed
from bloomery.source.python import FUNCTION
from bloomery.source.recording import Recorded

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard a counter-example is looked for.

    `tolerance` is relative, for floats; 0 compares their bits. `circumstances`: how many beside the first,
    of other hash seeds, with and without pytest loaded and `-O`.
    """

    seed: int = 0
    tolerance: float = 0.0
    least_calls: int = 20
    circumstances: int = 1
    time_s: float = 60.0
    memory_bytes: int = 1024 * MIB
    shrink: bool = True

    @property
    def limits(self) -> Limits:
        return Limits(
            time_s=self.time_s,
            cpu_s=max(int(self.time_s), 1),
            memory_bytes=self.memory_bytes,
            file_bytes=64 * MIB,
        )


@dataclass
class Case:
    """`sides`: the original and the candidate, ready to be run; the counts grow as trials are compared.
    Of the `calls`, those `proving` are neither recorded nor our own between others, `returned` are of these.

    `recorded`: calls from running tests, by what is called. `unguessed`: why nothing could be generated for
    a function that they do call.
    """

    original: Version
    candidate: Version
    sides: tuple[Side, Side]
    changes: Changed
    values: Values
    mined: Mined
    effort: Effort
    calls: int = 0
    proving: int = 0
    returned: int = 0
    unstable: int = 0
    recorded: Mapping[str, Sequence[Arguments]] = field(default_factory=dict)
    unguessed: str = ""
    reached: tuple[set[Place], set[Place]] = field(default_factory=lambda: (set(), set()))

    @property
    def functions(self) -> list[str]:
        """What is called by itself: functions of the module, and constructors."""
        names = [name for name in self.changes.entries if "." not in name]
        return names + [name for name in self.classes if self.original.classes[name].name in self._rebuilt]

    @property
    def classes(self) -> list[str]:
        owners = [name.partition(".")[0] for name in self.changes.entries if "." in name]
        names = self.original.classes.keys() & self.candidate.classes.keys()
        altered = [n for n in names if _dumped(self.original, n) != _dumped(self.candidate, n)]
        return sorted({name for name in (*owners, *altered) if name in names})

    @property
    def _rebuilt(self) -> set[str]:
        return {
            n.partition(".")[0] for n in self.changes.entries if n.endswith((".__init__", ".__post_init__"))
        }

    def entry(self, name: str) -> Entry:
        if name in self.original.classes:
            return Entry(name, self.values.classes.built.get(name, ()))
        node = self.original.functions[name]
        found = parameters(node.args, self.values.classes)
        returns = ast.unparse(node.returns) if node.returns else ""
        yields = any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(node))
        streams = yields or not returns or any(word in returns for word in ("Iter", "Generator"))
        return Entry(name, tuple(one for one in found if one.way != "named"), streams)

    def methods_changed(self, name: str) -> frozenset[str]:
        return frozenset(n.partition(".")[2] for n in self.changes.entries if n.startswith(name + "."))

    @property
    def missing(self) -> list[str]:
        """Pieces of changed lines, of both versions, that no input has run."""
        out = []
        named = zip(
            ("the original", "the candidate"),
            (self.original, self.candidate),
            self.sides,
            self.reached,
            strict=True,
        )
        for name, version, side, got in named:
            out += [f"{name}, {_text(version, place)}" for place in sorted(side.places - got)]
        return out

    @property
    def share_reached(self) -> float:
        wanted = sum(len(side.places) for side in self.sides)
        got = sum(len(side.places & have) for side, have in zip(self.sides, self.reached, strict=True))
        return got / wanted if wanted else 1.0


def make_case(
    root: Path,
    path: str,
    texts: Mapping[str, str],
    tests: Sequence[ast.Module],
    effort: Effort,
) -> Case:
    """Raises: UserError where the original cannot be read or named as a module; NotPython."""
    files, module, roots = files_of(root, path)
    original, candidate = Version(files[path], path), Version(texts.get(path, files[path]), path)
    changes = changed(original, candidate)
    kept = _globals(original, candidate)
    old = Side(
        files, module, roots, kept, changes.old_watched,
        original.pieces(changes.old_watched, changes.old_lines),
    )  # fmt: skip
    new = Side(
        {**files, **texts}, module, roots, kept, changes.new_watched,
        candidate.pieces(changes.new_watched, changes.new_lines),
    )  # fmt: skip
    mined = mine([original.tree, candidate.tree], tests, [n for n in changes.entries if "." not in n])
    values = Values(Random(effort.seed), mined, classes_of(original.tree))
    return Case(original, candidate, (old, new), changes, values, mined, effort)


def recorded_of(case: Case, path: str, recorded: Recorded) -> dict[str, list[Arguments]]:
    """The recorded calls of what is changed, and of what uses it; a constructor's are its class's."""
    names = dict.fromkeys((*case.changes.entries, *case.functions))
    found = {name: list(dict.fromkeys(one.given for one in recorded.of(path, name))) for name in names}
    return {name: calls for name, calls in found.items() if calls}


def unknown(entry: Entry) -> bool:
    return any(contains_any(one.kind) for one in entry.parameters)


def _dumped(version: Version, name: str) -> str:
    return ast.dump(version.classes[name])


def _globals(original: Version, candidate: Version) -> tuple[str, ...]:
    """What both modules hold under a name, imports aside, and what the original holds in public."""
    names = [name for name in original.global_names if name not in _imports(original.tree)]
    held = [n for n in names if not n.startswith("_") or n in candidate.global_names]
    for name, node in original.classes.items():
        held += [f"{name}:{one}" for one in _attributes(node) if one not in LEFT_OUT]
    return tuple(sorted(held))


def _attributes(node: ast.ClassDef) -> list[str]:
    found = [one.name for one in node.body if isinstance(one, FUNCTION)]
    plain = [one for one in node.body if not isinstance(one, FUNCTION)]
    found += [
        n.id
        for one in plain
        for n in ast.walk(one)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    return [name for name in found if not name.startswith("_")]


def _imports(tree: ast.Module) -> set[str]:
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(alias.asname or alias.name).partition(".")[0] for node in nodes for alias in node.names}


def _text(version: Version, place: Place) -> str:
    line, end, start, stop, *way = place
    data = version.text.splitlines()[line - 1].encode()
    piece = data[start : stop if end == line else None].decode(errors="replace").strip()
    return f"line {line}: {piece}" + (f" came out {bool(way[0])} for no input" if way else "")
