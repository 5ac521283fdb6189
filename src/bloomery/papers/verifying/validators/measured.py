"""The benchmark validator: what a result must say of itself to be a measurement."""

import math
from collections.abc import Iterator
from pathlib import Path

from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying.claim import Claim
from bloomery.papers.verifying.joining import shown
from bloomery.papers.verifying.paper_file import PaperFile
from bloomery.papers.verifying.papers import Folder
from bloomery.papers.verifying.results import RESULTS_FILE, Result, summary
from bloomery.papers.verifying.returned import mean_curve

ENVIRONMENT = ("python", "platform", "processor")


def measured(root: Path, folder: Folder) -> Iterator[Diagnostic]:
    """What is wrong with the results of a paper; that the file can be read was seen before."""
    path = folder.path / RESULTS_FILE
    text = path.read_text(encoding="utf-8").splitlines() if folder.results else []
    for name, result in folder.results.items():
        line = next((at for at, said in enumerate(text, 1) if f'"{name}": {{' in said), 1)
        claim = folder.file.paper.claim(name)
        if claim is None:
            message = f"there is a result for '{name}', and paper.yaml claims no such thing"
            yield Diagnostic(shown(root, path), line, "error", "result-unclaimed", message)
            continue
        for code, message in _faults(folder.file.paper, claim, result):
            yield Diagnostic(shown(root, path), line, "error", code, f"the result of '{name}' {message}")


def _faults(paper: PaperFile, claim: Claim, result: Result) -> Iterator[tuple[str, str]]:
    if result.state == "not run":
        return
    missing = [name for name in ENVIRONMENT if not result.environment.get(name)]
    if missing or not result.commit:
        said = ", ".join([*missing, *(["commit"] if not result.commit else [])])
        first = "" if result.commit else "put the repository under git, and "
        yield "environment", f"does not say {said}; {first}measure it by `bloomery paper bench`"
    yield from _numbers(result)
    if result.seeds and len(result.seeds) < len(paper.seeds):
        yield (
            "repeats",
            f"has {len(result.seeds)} repeats, the paper's file asks for seeds {list(paper.seeds)}",
        )
    if result.unit != claim.unit:
        yield "unit", f"is in '{result.unit}', the claim in '{claim.unit}'"
    yield from _data(paper, claim, result)


def _numbers(result: Result) -> Iterator[tuple[str, str]]:
    numbers = [*result.samples, *([] if result.value is None else [result.value])]
    if not all(math.isfinite(one) for one in (*numbers, *(value for _, value in result.curve))):
        yield "number", "holds numbers that are not finite"
        return
    if result.curve:
        yield from _curve(result)
    if result.value is None:
        return
    if len(result.samples) != max(1, len(result.seeds)):  # one where the command takes no seed
        yield (
            "repeats",
            f"has {len(result.samples)} samples for seeds {list(result.seeds)}; one each is expected",
        )
        return
    mean, span = summary(result.samples)
    if not math.isclose(mean, result.value, rel_tol=1e-12):  # the same sum, written and read as JSON
        yield "value", f"says {result.value}, the mean of its samples is {mean}"
    if result.interval != span:
        yield "interval", f"says {result.interval}, the range of its samples is {span}"


def _curve(result: Result) -> Iterator[tuple[str, str]]:
    """A curve is the mean of one for each repeat, at the places that all of these have."""
    if len(result.curves) != max(1, len(result.seeds)):
        yield (
            "repeats",
            f"has {len(result.curves)} curves for seeds {list(result.seeds)}; one each is expected",
        )
        return
    said, mean = dict(result.curve), dict(mean_curve(result.curves))
    for at in sorted(said.keys() | mean.keys()):
        here, there = said.get(at, math.nan), mean.get(at, math.nan)
        if not math.isclose(here, there, rel_tol=1e-12):  # the same sum, as above
            yield "value", f"says {here} at {at:g}, the mean of its curves there is {there}"
            return


def _data(paper: PaperFile, claim: Claim, result: Result) -> Iterator[tuple[str, str]]:
    wanted = {file.path: file.sha256 for name in claim.data for file in paper.data_set(name).files}
    if result.data != wanted:
        names = sorted(file for file, digest in wanted.items() if result.data.get(file) != digest)
        said = ", ".join(names) or "files that the claim does not name"
        yield "data", f"was not measured on the data sets of the claim: {said}"
