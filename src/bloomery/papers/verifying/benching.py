"""`paper bench`: run what a claim needs, compare with the paper's number, and keep what was measured.

A number is kept only under the name of the data that it was measured on: a data set that is not there, or has
other checksums, or a function that says it took other data, makes a claim `not run`, with the reason. A run
that brings no number leaves an earlier one in its place.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.disk import write_atomically
from bloomery.core.errors import Failure, UnknownName
from bloomery.core.machine import environment, git_commit
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying.claim import Claim
from bloomery.papers.verifying.claims import ClaimReport, compare
from bloomery.papers.verifying.data_files import DATA_VARIABLE, DataFiles, data_files
from bloomery.papers.verifying.pages import results_page
from bloomery.papers.verifying.paper_file import PaperFile
from bloomery.papers.verifying.papers import read_folder, read_folders
from bloomery.papers.verifying.results import RENDERED_FILE, Result, summary, write_results
from bloomery.papers.verifying.returned import NothingMeasured, Returned, mean_curve, read_returned
from bloomery.papers.verifying.running import Say, stream
from bloomery.papers.verifying.sources import closure_of, code_of, said_command, stated
from bloomery.source.modules import source_roots

INSIDE = Path(__file__).with_name("inside.py")
FACTS = ("python", "platform", "processor", "cores", "threads")


@dataclass(frozen=True)
class _Bench:
    root: Path
    data_root: Path | None
    say: Say | None
    commit: str


def bench(
    folder: str | Path,
    claim: str | None = None,
    *,
    root: str | Path | None = None,
    data_root: str | Path | None = None,
    say: Say | None = None,
) -> tuple[ClaimReport, ...]:
    """Measure one claim of a paper, or all; writes RESULTS.json and RESULTS.md beside its `paper.yaml`.

    `root` is the repository (default: two folders up); `data_root` the folder of data sets (default: what
    BLOOMERY_DATA names); `say` is given each line that a command prints.

    Raises: UserError for a folder that cannot be read, UnknownName for a claim that there is not.
    """
    paper = read_folder(Path(folder).resolve())
    file = paper.file.paper
    if claim is not None and file.claim(claim) is None:
        raise UnknownName("claim", claim, [one.id for one in file.claims])
    named = data_root or os.environ.get(DATA_VARIABLE)
    base = Path(root).resolve() if root else paper.path.parents[1]
    job = _Bench(base, Path(named).resolve() if named else None, say, _commit(base))
    results, measured = dict(paper.results), {}
    for left in set(results) - {one.id for one in file.claims} if claim is None else ():
        del results[left]
    for one in file.claims:
        if claim in (None, one.id):
            measured[one.id] = result = _result(job, file, one)
            earlier = results.get(one.id)
            keeps = earlier is not None and earlier.state == "measured" and result.state == "not run"
            if one.command and not keeps:
                results[one.id] = result
    write_results(paper.path, paper.id, results)
    page = results_page(paper.id, [compare(paper.id, one, results.get(one.id)) for one in file.claims])
    write_atomically(paper.path / RENDERED_FILE, page.encode())
    return tuple(compare(paper.id, one, measured[one.id]) for one in file.claims if one.id in measured)


def bench_papers(
    root: str | Path,
    claim: str | None = None,
    *,
    data_root: str | Path | None = None,
    say: Say | None = None,
) -> tuple[tuple[ClaimReport, ...], tuple[Diagnostic, ...]]:
    """Measure the claims of every paper of a repository, or the one that `id/claim` names.

    Returns what was measured, and what could not be read while the others were measured.
    Raises: MissingFile; UnknownName for a claim that there is not.
    """
    root = Path(root).resolve()
    folders, bad = read_folders(root)
    known = {f"{one.id}/{own.id}": (one, own.id) for one in folders for own in one.file.paper.claims}
    if claim is not None and claim not in known:
        raise UnknownName("claim", claim, known)
    found: list[ClaimReport] = []
    for folder in folders:
        asked = None if claim is None else known[claim][1]
        if folder.file.paper.claims and (claim is None or known[claim][0] is folder):
            found += bench(folder.path, asked, root=root, data_root=data_root, say=say)
    return tuple(found), bad if claim is None else ()


def _result(job: _Bench, paper: PaperFile, claim: Claim) -> Result:
    if not claim.command:
        return Result(state="not run", reason=claim.not_reproduced or "no command measures it")
    try:
        return _measured(job, paper, claim)
    except (NothingMeasured, Failure) as error:
        return Result(state="not run", reason=str(error), command=said_command(claim), claim=stated(claim))


def _measured(job: _Bench, paper: PaperFile, claim: Claim) -> Result:
    files = data_files(job.data_root, paper, claim)
    code, closure = code_of(job.root, claim), closure_of(job.root, claim)
    began = time.monotonic()
    seeds, returned = (_call if claim.function else _command)(job, paper, claim, files)
    samples = tuple(one.value for one in returned if one.value is not None)
    curves = tuple(one.curve for one in returned if one.curve)
    mean, interval = summary(samples) if samples else (None, None)
    found = environment()
    facts = {name: str(found[name]) for name in FACTS}
    packages = closure.packages if closure else {}
    return Result(
        state="measured",
        value=mean,
        samples=samples,
        interval=interval,
        curve=mean_curve(curves),
        curves=curves,
        unit=claim.unit,
        seeds=tuple(seeds),
        command=said_command(claim),
        code=code,
        commit=job.commit,
        environment={**facts, **packages},
        data=files.digests,
        claim=stated(claim),
        duration_s=round(time.monotonic() - began, 3),
    )


def _call(job: _Bench, paper: PaperFile, claim: Claim, files: DataFiles) -> tuple[list[int], list[Returned]]:
    """Call the claim's function in a process of its own, once for each seed if it takes one."""
    assert claim.function is not None
    module, name = claim.function
    with tempfile.TemporaryDirectory(prefix="bloomery-bench-") as scratch:
        out, told = Path(scratch) / "out.json", Path(scratch) / "job.json"
        plain = {"roots": _roots(job), "module": module, "name": name, "seeds": list(paper.seeds)}
        data = {file: str(path) for file, path in files.paths.items()}
        told.write_text(json.dumps({**plain, "data": data, "out": str(out)}))
        _run(job, paper, claim, [sys.executable, "-u", str(INSIDE), str(told)])
        if not out.is_file():
            raise NothingMeasured("its process ended before the function returned")
        answer = json.loads(out.read_text())
    return answer["seeds"], [read_returned(claim, one) for one in answer["returned"]]


def _command(
    job: _Bench, paper: PaperFile, claim: Claim, files: DataFiles
) -> tuple[list[int], list[Returned]]:
    """Run the claim's command line, once for each seed if it says {seed}, and read what it wrote.

    It finds the files below the folder that BLOOMERY_DATA names.
    """
    repeated = any("{seed}" in word for word in claim.command)
    seeds = list(paper.seeds) if repeated else []
    path, began = job.root / claim.result, time.monotonic()
    found = []
    for seed in seeds or [0]:
        before = _stamp(path)
        named = {"{seed}": str(seed), "{python}": sys.executable}
        _run(job, paper, claim, [_filled(word, named) for word in claim.command], time.monotonic() - began)
        if _stamp(path) in (None, before):
            raise NothingMeasured(f"its command wrote no {claim.result}")
        try:
            found.append(read_returned(claim, json.loads(path.read_text(encoding="utf-8"))))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise NothingMeasured(f"{claim.result} is no JSON: {error}") from error
    return seeds, found


def _run(job: _Bench, paper: PaperFile, claim: Claim, command: Sequence[str], spent_s: float = 0.0) -> None:
    limit_s = 60 * (paper.budget_min if claim.budget_min is None else claim.budget_min)
    paths = [*_roots(job), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {"PYTHONPATH": os.pathsep.join(paths)}
    if job.data_root:
        env[DATA_VARIABLE] = str(job.data_root)
    ended = stream(command, job.root, limit_s=max(0.0, limit_s - spent_s), say=job.say, env=env)
    if why := ended.why(limit_s):
        raise NothingMeasured(why)


def _filled(word: str, named: dict[str, str]) -> str:
    for name, value in named.items():
        word = word.replace(name, value)
    return word


def _stamp(path: Path) -> tuple[int, int] | None:
    return (path.stat().st_mtime_ns, path.stat().st_ino) if path.is_file() else None


def _roots(job: _Bench) -> list[str]:
    return [str(path) for path in source_roots(job.root)]


def _commit(root: Path) -> str:
    found = git_commit(root)
    return "" if found is None else found["commit"] + ("+" if found["changed"] else "")
