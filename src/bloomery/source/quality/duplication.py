"""Which code stands there twice."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from bloomery.source.languages.parsing import Source
from bloomery.source.quality.metric import Finding, Metric, Token, tokens

LEAST_TOKENS = 50


class Place(NamedTuple):
    """A token by its file's number and its own."""

    file: int
    at: int


def measure(sources: Sequence[Source]) -> Metric:
    files = [tokens(source) for source in sources]
    texts = [[token.text for token in file] for file in files]
    runs = repeated(texts, LEAST_TOKENS)
    twice = {(run.file, line) for run, stop, _ in runs for line in _lines(files[run.file][run.at : stop])}
    lines = sum(len(_lines(file)) for file in files)
    return Metric(
        name="duplication",
        definition=f"Share of lines with code that belong to a run of at least {LEAST_TOKENS} tokens (names "
        "and literals as they are, comments and layout aside) that stands elsewhere in these sources, too.",
        unit="share of lines",
        better="lower",
        value=len(twice) / lines if lines else None,
        counts={"lines": lines, "duplicated_lines": len(twice), "runs": len(runs)},
        findings=tuple(_finding(sources, files, *run) for run in runs),
        why_none="" if lines else "no code",
    )


def repeated(files: Sequence[Sequence[str]], least: int) -> list[tuple[Place, int, Place]]:
    """Longest runs of tokens each of which lies in some `least` tokens that occur again, in another file or
    without overlapping: where they begin and stop, and where the first `least` of them are found again."""
    again = _again(files, least)
    runs: list[tuple[Place, int, Place]] = []
    for place, other in sorted(again.items()):
        last = runs[-1] if runs else None
        if last and last[0].file == place.file and place.at <= last[1]:
            runs[-1] = (last[0], place.at + least, last[2])
        else:
            runs.append((place, place.at + least, other))
    return runs


def _again(files: Sequence[Sequence[str]], least: int) -> dict[Place, Place]:
    """For each start of `least` tokens that occur again: where they do, the first such place."""
    places: defaultdict[int, list[Place]] = defaultdict(list)
    for number, names in enumerate(_names_of_runs(files, least)):
        for at, name in enumerate(names):
            places[name].append(Place(number, at))
    found = {}
    for same in places.values():
        for place in same:
            if other := _apart(place, same, least):
                found[place] = other
    return found


def _names_of_runs(files: Sequence[Sequence[str]], least: int) -> list[list[int]]:
    """A number for each start of `least` tokens, the same for equal ones: by those of ever longer halves."""
    known: dict[Hashable, int] = {}
    names = [[known.setdefault(token, len(known)) for token in file] for file in files]
    length = 1
    while length < least:
        step = min(length, least - length)
        names = _pairs(names, step)
        length += step
    return names


def _pairs(files: Sequence[Sequence[int]], step: int) -> list[list[int]]:
    known: dict[tuple[int, int], int] = {}
    pairs = [zip(file, file[step:], strict=False) for file in files]
    return [[known.setdefault(pair, len(known)) for pair in file] for file in pairs]


def _apart(place: Place, same: Sequence[Place], least: int) -> Place | None:
    """The first or the last of the same runs that is far enough from this one; nearer ones overlap it."""
    for other in (same[0], same[-1]):
        if other.file != place.file or abs(other.at - place.at) >= least:
            return other
    return None


def _lines(run: Sequence[Token]) -> set[int]:
    return {line for token in run for line in token.lines}


def _finding(
    sources: Sequence[Source], files: Sequence[Sequence[Token]], run: Place, stop: int, other: Place
) -> Finding:
    first, last = files[run.file][run.at].first_line, files[run.file][stop - 1].last_line
    again = files[other.file][other.at].first_line
    return Finding(
        sources[run.file].path, first, f"lines {first}-{last} also in {sources[other.file].path}:{again}"
    )
