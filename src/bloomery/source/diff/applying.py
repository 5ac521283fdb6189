"""Diffs put on texts, exactly where they say, and turned round."""

from collections.abc import Mapping

from bloomery.core.errors import UserError
from bloomery.source.diff.values import Diff, FileDiff, Hunk, lines_of


class DoesNotApply(UserError):
    """The texts are not those that a diff was made from."""


def apply(diff: Diff, texts: Mapping[str, str]) -> dict[str, str]:
    """All the texts after the diff; what it does not name is kept.

    Differs: from `git apply`, which looks for a hunk's place nearby; here its lines stand where it says.

    Raises: DoesNotApply, naming path and line.
    """
    result = dict(texts)
    for file in diff.files:
        if file.before is not None and result.pop(file.before, None) is None:
            raise DoesNotApply(f"{file.before}: the diff changes it, and it is not there")
    for file in diff.files:
        if file.after is None:
            _applied(file, texts)
        elif file.after in result:
            raise DoesNotApply(f"{file.after}: the diff makes it, and it is there already")
        else:
            result[file.after] = _applied(file, texts)
    return result


def reverse(diff: Diff) -> Diff:
    """The diff that undoes `diff`."""
    return Diff(tuple(_reversed_file(file) for file in diff.files))


def _applied(file: FileDiff, texts: Mapping[str, str]) -> str:
    lines = lines_of(texts[file.before]) if file.before is not None else []
    done: list[str] = []
    at = 0
    for hunk in file.hunks:
        start = hunk.before_line - 1
        _check_lines(file, hunk, lines)
        done += lines[at:start] + hunk.after
        at = start + len(hunk.before)
    text = "".join(done + lines[at:])
    if file.after is None and text:
        raise DoesNotApply(f"{file.before}: the diff deletes it, but does not know all of its lines")
    return text


def _check_lines(file: FileDiff, hunk: Hunk, lines: list[str]) -> None:
    for number, expected in enumerate(hunk.before, hunk.before_line):
        found = lines[number - 1] if number <= len(lines) else None
        if found != expected:
            came = "the end of the file" if found is None else repr(found)
            raise DoesNotApply(f"{file.path}:{number}: the diff expects {expected!r}, here is {came}")
    end = hunk.before_line + len(hunk.before)
    ends_the_file = any(not line.endswith("\n") for line in hunk.after)
    if end > len(lines) + 1 or (ends_the_file and end <= len(lines)):
        raise DoesNotApply(f"{file.path}: the diff expects {end - 1} lines, here are {len(lines)}")


def _reversed_file(file: FileDiff) -> FileDiff:
    return FileDiff(
        before=file.after,
        after=file.before,
        hunks=tuple(_reversed_hunk(hunk) for hunk in file.hunks),
        blobs=(file.blobs[1], file.blobs[0]) if file.blobs else None,
        modes=(file.modes[1], file.modes[0]),
    )


def _reversed_hunk(hunk: Hunk) -> Hunk:
    """Runs of changed lines keep their place; in each, what was added now goes first, as removed."""
    lines: list[str] = []
    run: list[str] = []
    for line in [*hunk.lines, " "]:
        if line[0] != " ":
            run.append(line)
            continue
        lines += ["-" + line[1:] for line in run if line[0] == "+"]
        lines += ["+" + line[1:] for line in run if line[0] == "-"]
        run = []
        lines.append(line)
    return Hunk(hunk.after_line, hunk.before_line, tuple(lines[:-1]))
