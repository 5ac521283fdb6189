"""What two changes of one tree come to together: by files, by lines as git merges, by statements."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import Failure
from bloomery.optimize.changes import Repository
from bloomery.optimize.coordinating.weaving import weave

Texts = Mapping[str, str | None]  # whole texts by path; None: the file is not there


@dataclass(frozen=True)
class Clash:
    """A file in which both sides are in each other's way; `shown` is the text with both, as git marks it."""

    path: str
    shown: str


@dataclass(frozen=True)
class Woven:
    """`texts` does what both did; `clashes`: where nobody can say how. `by_statements`: lines did not do."""

    texts: Texts
    clashes: tuple[Clash, ...]
    by_statements: tuple[str, ...]


def merged(repository: Repository, base: Texts, one: Texts, other: Texts) -> Woven:
    """Both changes put together; a path that a side does not name is as in `base`."""
    texts: dict[str, str | None] = {}
    clashes, by_statements = [], []
    for path in sorted({*one, *other}):
        before = base.get(path)
        mine, theirs = one.get(path, before), other.get(path, before)
        if mine in (theirs, before) or theirs == before:
            texts[path] = theirs if mine == before else mine
            continue
        if before is None or mine is None or theirs is None:
            clashes.append(Clash(path, _fates(before, mine, theirs)))
            continue
        clean, text = _by_lines(repository, before, mine, theirs)
        woven = None if clean or not path.endswith(".py") else weave(before, mine, theirs)
        if woven is not None:
            by_statements.append(path)
        elif not clean:
            clashes.append(Clash(path, text))
        texts[path] = text if woven is None else woven
    return Woven(texts, tuple(clashes), tuple(by_statements))


def _by_lines(repository: Repository, base: str, one: str, other: str) -> tuple[bool, str]:
    """Whether git merges it, and the text, with git's marks where it does not."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / name for name in ("one", "base", "other")]
        for path, text in zip(paths, (one, base, other), strict=True):
            path.write_bytes(text.encode())
        labels = (word for name in ("one", "base", "other") for word in ("-L", name))
        answer = repository.ask("merge-file", "-p", "--diff3", *labels, *map(str, paths))
    if not 0 <= answer.code < 128:
        raise Failure(f"git could not merge two texts: {answer.said}")
    return answer.code == 0, answer.out.decode()


def _fates(*texts: str | None) -> str:
    return "".join(
        f"{'=' * 7} {name}: {'the file is not there' if text is None else 'the file'}\n{text or ''}\n"
        for name, text in zip(("before", "one", "other"), texts, strict=True)
    )


def regions(shown: str, around: int = 3) -> Iterator[str]:
    """The parts of a text with git's marks that are in conflict, with some lines around them."""
    lines = shown.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("<<<<<<< ")]
    ends = [number for number, line in enumerate(lines) if line.startswith(">>>>>>> ")]
    for start, end in zip(starts, ends, strict=False):
        yield "\n".join(lines[max(0, start - around) : end + 1 + around])
    if not starts:
        yield shown
