"""What the tests of a module notice, one by one, and stronger assertions where they could notice more.

A stronger assertion pins what was seen; it is proposed only if the tests still always pass with it, and one
of them then fails on a mutant that it did not notice before. Nothing is written: the caller decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.source.boxing import Box, boxed
from bloomery.source.mutating.mutants import Mutant
from bloomery.source.python import Parsed, parse, parse_text
from bloomery.source.running import file_of, run_pytest
from bloomery.source.testing.keeping import killed_by
from bloomery.source.testing.proving import Proof, prove
from bloomery.source.testing.weak import Spot, spots


@dataclass(frozen=True)
class Stronger:
    """A statement of a test, and what it could say; `kills`: mutants that the test did not notice before."""

    path: str
    test: str
    line: int
    weakness: str
    before: str
    after: str
    kills: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """One test as it is: the mutants that it notices, and those that no other does."""

    node: str
    kills: tuple[str, ...]
    alone: tuple[str, ...]


@dataclass(frozen=True)
class Strengthened:
    """`texts`: the test files as they could be, by path; empty where nothing stronger was found."""

    tests: tuple[Judged, ...]
    proposals: tuple[Stronger, ...]
    texts: Mapping[str, str]
    mutants: int
    killed_before: int
    killed: int
    survivors: tuple[str, ...]
    not_passing: Mapping[str, str]


def improve(root: Path, path: str, tests: Sequence[str]) -> Strengthened:
    """Judge `tests` by the mutants of the module at `path`, and propose stronger assertions; in the sandbox.

    Raises: as `generate` does; UserError where no test passes.
    """
    root = root.resolve()
    with boxed(root) as box:
        parsed = parse(box.project / path)
        before = prove(box, parsed, tests, twice=False)
        if not before.kills:
            why = next(iter(before.dropped.values()), "none was collected")
            raise UserError(f"{', '.join(tests)}: no test passes, so none can be judged: {why}")
        files = {name: parse(box.project / name) for name in _files(box, before)}
        found = {name: list(spots(file)) for name, file in files.items()}
        values = _looked_at(box, tests, files, found)
        stronger = {
            name: {spot: values[_key(name, spot)] for spot in some if _key(name, spot) in values}
            for name, some in found.items()
        }
        after = _proved(box, parsed, tests, files, stronger)
        kept = {name: _gaining(name, some, before, after) for name, some in stronger.items()}
        texts = {name: _changed(files[name], some) for name, some in kept.items() if some}
        return _told(before, after, kept, files, texts)


def _files(box: Box, proof: Proof) -> list[str]:
    return list(dict.fromkeys(file_of(node) for node in proof.kills))


def _key(name: str, spot: Spot) -> str:
    return f"{name}:{spot.start}"


def _looked_at(
    box: Box, tests: Sequence[str], files: Mapping[str, Parsed], found: Mapping[str, list[Spot]]
) -> dict[str, str]:
    """The value at each spot that is one and the same, in both orders and under two hash seeds."""
    for name, file in files.items():
        (box.project / name).write_text(_marked(name, file, found[name]))
    seen: dict[str, set[str | None]] = {}
    for hash_seed in (0, 1):
        ran = run_pytest(
            box.project, tests, time_limit_s=600, plugins=["bloomery_seen"], box=box, hash_seed=hash_seed,
            job={"backwards": bool(hash_seed)},
        )  # fmt: skip
        for event in ran.events:
            if event["event"] == "seen":
                plain = all(home == "builtins" for home in event["needs"].values())
                seen.setdefault(event["key"], set()).add(event["text"] if plain else None)
    for name, file in files.items():
        (box.project / name).write_text(file.text)
    return {key: next(iter(some)) or "" for key, some in seen.items() if len(some) == 1 and None not in some}


def _marked(name: str, file: Parsed, found: Sequence[Spot]) -> str:
    """The file with the subject of each spot looked at, before its statement where that looks once more."""
    text = file.text
    for spot in sorted(found, key=lambda one: -one.start):
        said, key = text[spot.start : spot.end], _key(name, spot)
        if spot.weakness == "any exception":
            said = f"bloomery_raised_({key!r}, {said})"
        elif spot.weakness == "nothing":
            said = f"bloomery_seen_({key!r}, {said})"
        else:
            said = f"bloomery_seen_({key!r}, {spot.subject}); {said}"
        text = text[: spot.start] + said + text[spot.end :]
    return parse_text(text, file.path).text


def _changed(file: Parsed, values: Mapping[Spot, str]) -> str:
    text = file.text
    for spot in sorted(values, key=lambda one: -one.start):
        text = text[: spot.start] + spot.stronger(values[spot]) + text[spot.end :]
    return text


def _proved(
    box: Box, parsed: Parsed, tests: Sequence[str], files: Mapping[str, Parsed],
    stronger: Mapping[str, Mapping[Spot, str]],
) -> Proof:  # fmt: skip
    for name, some in stronger.items():
        (box.project / name).write_text(_changed(files[name], some))
    return prove(box, parsed, tests)


def _gaining(name: str, values: Mapping[Spot, str], before: Proof, after: Proof) -> dict[Spot, str]:
    """The proposals for tests that always pass with them, and notice more."""
    kept = {}
    for spot, value in values.items():
        nodes = _nodes(name, spot.test, before)
        passes = all(node in after.kills for node in nodes)
        if nodes and passes and any(after.kills[node] - before.kills[node] for node in nodes):
            kept[spot] = value
    return kept


def _nodes(name: str, test: str, proof: Proof) -> list[str]:
    """The cases of a test."""
    return [node for node in proof.kills if node.partition("[")[0] == f"{name}::{test}"]


def _told(
    before: Proof, after: Proof, kept: Mapping[str, Mapping[Spot, str]], files: Mapping[str, Parsed],
    texts: Mapping[str, str],
) -> Strengthened:  # fmt: skip
    better = {
        node for name, some in kept.items() for spot in some for node in _nodes(name, spot.test, before)
    }
    now = {node: after.kills[node] if node in better else kills for node, kills in before.kills.items()}
    killed = frozenset[Mutant]().union(*now.values())
    proposals = [
        _proposal(name, spot, value, files[name], before, after)
        for name, some in kept.items()
        for spot, value in some.items()
    ]
    return Strengthened(
        tests=tuple(_judged(node, before) for node in before.kills),
        proposals=tuple(sorted(proposals, key=lambda one: (one.path, one.line))),
        texts=texts,
        mutants=len(before.mutants),
        killed_before=len(killed_by(before)),
        killed=len(killed),
        survivors=tuple(str(one) for one in _ordered(before.mutants - killed)),
        not_passing=dict(before.dropped),
    )


def _proposal(name: str, spot: Spot, value: str, file: Parsed, before: Proof, after: Proof) -> Stronger:
    gained = frozenset[Mutant]().union(
        *(after.kills[node] - before.kills[node] for node in _nodes(name, spot.test, before))
    )
    said = file.text[spot.start : spot.end]
    kills = tuple(map(str, _ordered(gained)))
    return Stronger(name, spot.test, spot.line, spot.weakness, said, spot.stronger(value), kills)


def _judged(node: str, proof: Proof) -> Judged:
    others = frozenset[Mutant]().union(*(kills for other, kills in proof.kills.items() if other != node))
    kills = proof.kills[node]
    return Judged(node, tuple(map(str, _ordered(kills))), tuple(map(str, _ordered(kills - others))))


def _ordered(mutants: frozenset[Mutant]) -> list[Mutant]:
    return sorted(mutants, key=lambda one: (one.start, one.after))
