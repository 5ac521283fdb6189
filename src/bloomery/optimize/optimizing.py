"""From a task to patches: look, propose, judge, put up what holds, and say what became of the rest."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from bloomery.core.errors import UserError
from bloomery.core.workspace import Workspace
from bloomery.optimize.asking import Streams, proposers_of
from bloomery.optimize.bench import JUDGING, Validate, Watch, Workbench
from bloomery.optimize.changes import Ledger, Rules, open_ledger
from bloomery.optimize.changes.repository import Repository
from bloomery.optimize.changes.worktree import worktree
from bloomery.optimize.methods import method as method_named
from bloomery.optimize.methods.method import Judged, Method
from bloomery.optimize.proposal import Proposer
from bloomery.optimize.putting_up import apply_automatically, best, check_least_gain, put_up
from bloomery.optimize.remembering import Memory
from bloomery.optimize.reporting import Report, tried
from bloomery.optimize.surveying import Survey, survey
from bloomery.optimize.targets import checked
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating import Cache
from bloomery.optimize.validating import validate as validation
from bloomery.optimize.validating.testing import ONE_TEST_S
from bloomery.source.covering import Covered
from bloomery.source.outcomes import Results
from bloomery.source.python import parse

Approve = Literal["none", "auto"]
LOOKING, KEEPING = "looking", "keeping"
MOST_TOLD = 5


def optimize(
    workspace: Workspace,
    task: OptimizationTask,
    *,
    method: str | Method = "test-driven",
    progress: Watch | None = None,
    approve: Approve = "none",
    least_gain: float | None = None,
    proposers: Sequence[Proposer] = (),
    validate: Validate | None = None,
    rules: Rules | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """Look for better versions of a task's files, judge them, and put up the best as patches.

    Everything is done with the files of the last commit as it was at the beginning, in a worktree: what is
    edited or committed meanwhile changes nothing of it.
    Nothing in the tree is changed, but with `approve="auto"`, by patches whose evidence meets every bar of
    the level, on a branch that is not protected, and for speed and memory `least_gain` (1.2 where it is not
    given). Run again after a kill, it goes on with what was judged.
    `proposers` are the caller's own, beside the embedded ones; `validate` takes the place of the usual one,
    `rules` that of the repository's.

    Raises: UserError for a task that cannot be begun: no repository, changes that are not committed, tests
    that fail before any change, a target that is no Python source; UnknownName; CapabilityMissing where what
    runs tests is not installed.
    """
    check_least_gain(task.goal, approve, least_gain)
    watch: Watch = progress or (lambda step, done, total, text: None)
    chosen = method_named(method) if isinstance(method, str) else method
    decide = validate or usual_validation(workspace)
    ledger = open_ledger(workspace, task.root, rules)
    named = checked(ledger.repository, task, workspace.root)
    applying = partial(apply_automatically, ledger, least_gain=least_gain) if approve == "auto" else None
    commit = ledger.repository.object("HEAD^{commit}", "commit once")
    watch(LOOKING, 0, 1, "the tests as they are")
    with worktree(ledger, "optimize", commit=commit) as folder:
        fixed = replace(named.task, root=folder)
        _check_there(fixed)
        bench = _bench(workspace, ledger, fixed, decide, watch, proposers)
        watch(LOOKING, 1, 1, "")
        found = _judged(bench, chosen)
        report = _report(bench, chosen, found, commit, applying, [*notes, *named.notes])
    return replace(report, root=named.task.root)


def _check_there(task: OptimizationTask) -> None:
    """Raises: UserError for tests that are not committed."""
    for test in task.tests:
        if not (task.root / test.partition("::")[0]).exists():
            raise UserError(f"{test} is not in the last commit: git add and commit it, so that it can judge")


def _bench(
    workspace: Workspace,
    ledger: Ledger,
    task: OptimizationTask,
    decide: Validate,
    watch: Watch,
    own: Sequence[Proposer],
) -> Workbench:
    seen = surveyed(task)
    memory = Memory(workspace)
    tree = Repository.open(task.root).object("HEAD^{tree}", "commit once")
    asked, notes = proposers_of(task, workspace, own)
    streams = Streams(task, asked, memory, tree, notes)
    return Workbench(task, seen, ledger, streams, memory, decide, watch)


def surveyed(task: OptimizationTask) -> Survey:
    """The tests before any change. Raises: UserError where they fail and the goal is not to mend that."""
    if not task.tests:
        if task.goal == "fix":
            raise UserError("to fix something needs tests that fail: name them by --tests")
        return Survey((), Covered(Results((), ()), {}, {}))
    test_s = ONE_TEST_S if task.goal == "fix" else 0  # a fault may be that it does not end
    seen = survey(task.root, task.tests, task.paths, twice=True, test_s=test_s)
    if seen.results.ended:
        running = [one.node for one in seen.results.outcomes if one.status == "not run"]
        where = f", in {running[0]}" if running else ""
        raise UserError(
            f"the tests do not end by themselves: {seen.results.ended}{where}; name others by --tests"
        )
    if task.goal == "fix" and not seen.failing:
        raise UserError(f"all {len(seen.passing)} tests pass: name one that fails by --tests")
    if task.goal != "fix" and seen.failing:
        raise UserError(
            f"{len(seen.failing)} tests fail before any change ({_failing(seen)}): mend them first "
            "(--goal fix), or name the others by --tests"
        )
    return seen


def _failing(seen: Survey) -> str:
    told = [f"{one.node}: {' '.join(one.reason.split())[:80]}" for one in seen.failing[:MOST_TOLD]]
    more = len(seen.failing) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _judged(bench: Workbench, method: Method) -> list[Judged]:
    """Everything that was judged, with what the method says of it, in the order in which it was judged."""
    said = {id(one.proposal): one for one in method.improve(bench)}
    bench.watch(JUDGING, 1, 1, "")
    return [said.pop(id(one.proposal), one) for one in bench.judged] + list(said.values())


def _report(
    bench: Workbench,
    method: Method,
    found: Sequence[Judged],
    commit: str,
    applying: Callable[[str], tuple[bool, str]] | None,
    notes: Sequence[str],
) -> Report:
    task, ledger = bench.task, bench.ledger
    before = {path: parse(task.root / path).text for path in task.paths}
    patches: dict[int, str] = {}
    said = [*notes, *bench.streams.notes, *_flaky(bench.survey)]
    applied = []
    for one in best(found, before):
        bench.watch(KEEPING, 0, 1, one.proposal.operator)
        try:
            patches[id(one)] = cid = put_up(ledger, task, one, method.name, commit)
        except UserError as error:
            said.append(f"{one.proposal.operator} is not put up: {error}")
            continue
        if applying is not None:
            done, why = applying(cid)
            applied += [cid] if done else []
            said += [] if done else [f"not applied: {why}"]
    bench.watch(KEEPING, 1, 1, "")
    statuses = Counter(str(one.status) for one in bench.survey.results.outcomes)
    return Report(
        method=method.name,
        goal=task.goal,
        level=task.level,
        root=task.root,
        commit=commit,
        paths=task.paths,
        tests=dict(statuses),
        tried=tuple(tried(one, patches.get(id(one))) for one in found),
        remembered=bench.remembered,
        notes=tuple(dict.fromkeys(said)),
        facts=dict(getattr(method, "facts", {})),
        applied=tuple(applied),
    )


def _flaky(seen: Survey) -> list[str]:
    if not seen.flaky:
        return []
    told = ", ".join(seen.flaky[:MOST_TOLD])
    return [f"{len(seen.flaky)} tests are flaky, they depend on their order or on the hash seed: {told}"]


def usual_validation(workspace: Workspace) -> Validate:
    """Validation that remembers in the workspace what each check found."""
    return partial(validation, cache=Cache(workspace.root / "verdicts"))
