"""`paper.yaml`: what a paper claims, what its numbers need, and how its unclear equations are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bloomery.core.config import build, load_recipe, option
from bloomery.core.errors import ConfigError, MissingFile
from bloomery.papers.verifying.claim import Claim, stays_inside
from bloomery.papers.written import NUMBER
from bloomery.source.citing import numbers

PAPER_FILE = "paper.yaml"
SHA256 = r"[0-9a-f]{64}"


@dataclass(frozen=True, kw_only=True)
class Citation:
    """The paper as it is cited."""

    title: str = option(help="the full title")
    authors: tuple[str, ...] = option((), help="in the order of the paper")
    year: int | None = option(None, help="of the version that is read", low=1800, high=2200)
    arxiv: str = option("", help="its arXiv id, quoted")
    url: str = option("", help="where it is found, if it is not on arXiv")


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file, known by its content."""

    path: str = option(help="below the folder of data sets")
    sha256: str = option(help="64 hexadecimal digits, quoted")

    def __post_init__(self) -> None:
        if not re.fullmatch(SHA256, self.sha256):
            raise ConfigError(f"the sha256 of {self.path} is '{self.sha256}', expected 64 hexadecimal digits")
        if not stays_inside(self.path):
            raise ConfigError(f"the path {self.path} leaves the folder of data sets")


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Files that a number is measured on."""

    name: str = option(help="as claims name it")
    files: tuple[DataFile, ...] = option(help="each with its checksum")
    url: str = option("", help="where it is from")

    def __post_init__(self) -> None:
        if not self.files:
            raise ConfigError(f"the data set '{self.name}' names no file; write path and sha256 of each")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which reading of an equation is the default here."""

    chosen: str = option(help="the name of the reading")
    why: str = option(help="what speaks for it")
    equation: str = option("", help="its number, where choices are a list")

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise ConfigError(f"the choice of the reading '{self.chosen}' says not why; write it")


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Equations that are not implemented, as an entry of a list (a key cannot hold the dot of A.2)."""

    equations: str = option(help="a number, a list or a range of numbers: A.2-A.4")
    why: str = option(help="the reason")


@dataclass(frozen=True, kw_only=True)
class PaperFile:
    """A paper's file."""

    citation: Citation = option(help="the paper as it is cited")
    context: str = option("", help="the context file in the same folder (default: <id>.context.md)")
    claims: tuple[Claim, ...] = option((), help="what the paper states")
    data_sets: tuple[DataSet, ...] = option((), help="what claims are measured on")
    seeds: tuple[int, ...] = option((0,), help="one repeat for each")
    budget_min: float = option(30.0, help="minutes that measuring one claim may take", low=0.0)
    readings: dict[str, Choice] | tuple[Choice, ...] = option((), help="equation number: reading, and why")
    out_of_scope: dict[str, str] | tuple[LeftOut, ...] = option((), help="equation number: why not")

    def __post_init__(self) -> None:
        _unique("claim", [claim.id for claim in self.claims])
        _unique("data set", [one.name for one in self.data_sets])
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds are {list(self.seeds)}, expected at least one, each once")
        known = {one.name for one in self.data_sets}
        for claim in self.claims:
            if missing := sorted(set(claim.data) - known):
                raise ConfigError(
                    f"the claim '{claim.id}' needs data sets that are not listed: {', '.join(missing)}; "
                    "add them to data_sets with their checksums"
                )
        for number in (*self.choices, *self.reasons):
            if not re.fullmatch(NUMBER, number):
                raise ConfigError(f"'{number}' is no equation number; write one such as '13' or '5-9'")
        for number, why in self.reasons.items():
            if not why.strip():
                raise ConfigError(f"out_of_scope: equation {number} says not why; write the reason")

    @cached_property
    def choices(self) -> dict[str, Choice]:
        """The choice of a reading by the equation's number."""
        if isinstance(self.readings, tuple):
            return {one.equation: one for one in self.readings}
        return dict(self.readings)

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why an equation is not implemented, by its number."""
        given = self.out_of_scope
        if isinstance(given, tuple):
            given = {one.equations: one.why for one in given}
        return {number: why for text, why in given.items() for number in numbers(text) or (text,)}

    def claim(self, name: str) -> Claim | None:
        return next((claim for claim in self.claims if claim.id == name), None)

    def data_set(self, name: str) -> DataSet:
        return next(one for one in self.data_sets if one.name == name)


@dataclass(frozen=True)
class Loaded:
    """A paper's file with the line of each key."""

    path: Path
    paper: PaperFile
    origin: Mapping[str, str] = field(default_factory=dict)

    def line(self, key: str) -> int:
        """The line of a dotted key or of the first thing under it; 1 where it is not written."""
        return _line(key, self.origin) or 1

    def claim_line(self, name: str) -> int:
        at = [claim.id for claim in self.paper.claims].index(name)
        return self.line(f"claims.{at}")


def load(path: Path) -> Loaded:
    """Raises: MissingFile; ConfigError that names file, line and key."""
    if not path.is_file():
        raise MissingFile(f"{path}: expected the paper's file with citation and claims; there is none")
    recipe = load_recipe(path)
    try:
        return Loaded(path, build(PaperFile, recipe.values, origin=recipe.origin), recipe.origin)
    except ConfigError as error:
        raise ConfigError(f"{path}:{_line_of_error(str(error), recipe.origin)}: {error}") from error


def _line_of_error(message: str, origin: Mapping[str, str]) -> int:
    quoted = re.search(r"'([\w.-]+)'|^([\w.-]+):", message)
    key = (quoted[1] or quoted[2]) if quoted else ""
    while key:
        if line := _line(key, origin):
            return line
        key = key.rpartition(".")[0]
    return 1


def _line(key: str, origin: Mapping[str, str]) -> int | None:
    found = [where for name, where in origin.items() if name == key or name.startswith(f"{key}.")]
    lines = [int(where.rpartition(":")[2]) for where in found if where.rpartition(":")[2].isdigit()]
    return min(lines, default=None)


def _unique(kind: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"the {kind} '{twice[0]}' is given twice; give each a name of its own")
