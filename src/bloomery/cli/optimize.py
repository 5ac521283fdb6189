"""bloomery optimize: faster, smaller, correct, more robust code, proposed, proven, and put up as patches."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_fields, print_table, say
from bloomery.cli.wording import Coloured, files, number, short

if TYPE_CHECKING:
    from bloomery.optimize.reporting import Report, Tried

FATES = {
    "kept": ("kept", "green"),
    "accepted": ("passed, not kept", "green"),
    "failed": ("failed", "red"),
    "not_run": ("not proven", "yellow"),
}
Paths = Annotated[list[Path], typer.Argument(help="Python files, or folders of them, of a git repository.")]
Wanted = Annotated[
    Literal["speed", "memory", "fix", "robustness", "security", "coverage"],
    typer.Option("--goal", help="What is to become better."),
]
How = Annotated[
    Literal["test-driven", "adversarial", "actor-critic", "chaos"],
    typer.Option("--method", help="How it is looked for."),
]
Rivals = Annotated[
    int, typer.Option("-n", "--rivals", help="Adversarial: how many proposals compete.", min=2)
]
Most = Annotated[int, typer.Option(help="Judge at most so many proposals.", min=1)]
Agents = Annotated[int, typer.Option(help="Processes that work at it together.", min=1)]
Description = Annotated[str, typer.Option(help="What to know or to want, for prompts and issue texts.")]
TestPaths = Annotated[
    list[Path], typer.Option("--tests", help="Tests that judge. Default: those that import the files.")
]
Strictness = Annotated[
    Literal["basic", "standard", "strict", "paranoid"],
    typer.Option("--level", help="How much has to be proven before a patch is put up."),
]
Approval = Annotated[
    Literal["none", "auto"],
    typer.Option("--approve", help="auto: apply what meets every bar, on branches that are not protected."),
]
LeastGain = Annotated[
    float | None,
    typer.Option(
        help="With --approve auto, goals speed and memory: apply only what is surely so many times better; "
        "1.2 where it is not given.",
        min=1.0,
    ),
]
Asked = Annotated[list[str], typer.Option("--proposer", help="Ask only this one; may be given often.")]
CodeModelFolder = Annotated[
    Path | None,
    typer.Option("--code-model", help="Ask this model of `diffuse train`, too: it writes statements anew."),
]
Seed = Annotated[int, typer.Option(help="Equal seeds try the same.", min=0)]


def optimize(
    paths: Paths,
    goal: Wanted = "speed",
    method: How = "test-driven",
    tests: TestPaths = [],
    level: Strictness = "standard",
    rivals: Rivals = 5,
    most: Most = 40,
    agents: Agents = 1,
    description: Description = "",
    proposer: Asked = [],
    code_model: CodeModelFolder = None,
    approve: Approval = "none",
    least_gain: LeastGain = None,
    seed: Seed = 0,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Look for better code, prove it, and put up what holds as patches; nothing in the tree is changed.

    What was judged is remembered: the same command goes on after a stop or a kill. With --goal fix the exit
    code is 1 where nothing makes the tests pass.
    """
    from bloomery.core.log import set_level
    from bloomery.core.workspace import Workspace
    from bloomery.optimize.targets import named

    set_level("warning")
    asked = named(
        paths, goal, tests=tests, level=level, rivals=rivals, most=most, description=description,
        proposers=tuple(proposer), seed=seed,
    )  # fmt: skip
    how: dict[str, Any] = {"method": method, "approve": approve, "least_gain": least_gain}
    if code_model is not None:
        how["proposers"] = [_diffusing(code_model, agents)]
    report = _run(Workspace.open(workspace), asked, agents=agents, **how)
    if as_json:
        print_json({"report": report, "next": report.next})
    else:
        _print(report)
    return int(goal == "fix" and not report.kept)


def _diffusing(folder: Path, agents: int) -> Any:
    """Raises: UserError for several agents, which share no model."""
    import hashlib

    from bloomery.core.errors import UserError
    from bloomery.diffusion.code.suggesting.infilling import rewriter
    from bloomery.optimize.proposers.diffusing import CodeDiffusion

    if agents > 1:
        raise UserError("--code-model is asked by one process; leave --agents at 1")
    rewrite = rewriter(folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    return CodeDiffusion(rewrite, digest[:8])


def _run(opened: Any, asked: Any, *, agents: int, **how: Any) -> "Report":
    from bloomery.cli.progress import watching
    from bloomery.optimize.bench import JUDGING
    from bloomery.optimize.optimizing import KEEPING, LOOKING
    from bloomery.optimize.optimizing import optimize as run
    from bloomery.optimize.together import optimize_together

    work = {LOOKING: 2, JUDGING: asked.task.most, KEEPING: 1}
    with watching(work) as watch:

        def steps(step: str, done: int, total: int, text: str) -> None:
            if step in work:  # what a method tells beside is for the audit
                watch(step, done, total, text)

        if agents > 1:
            return optimize_together(
                opened, asked.task, agents=agents, progress=steps, notes=asked.notes, **how
            )
        return run(opened, asked.task, progress=steps, notes=asked.notes, **how)


def _print(report: "Report") -> None:
    tests = ", ".join(f"{count} {status}" for status, count in report.tests.items()) or "none"
    print_fields(
        [
            ("method", report.method),
            ("goal", f"{report.goal}, level {report.level}"),
            ("files", files(report.paths)),
            ("tests before", tests),
            *((name, _figure(value)) for name, value in report.facts.items() if not isinstance(value, dict)),
        ]
    )
    _print_learned(report)
    for weakness in report.facts.get("broken", ()):
        say(f"weak: {weakness}")
    print_table(
        ["what", "where", "fate", "at least", "why", "patch"],
        [_row(one) for one in report.tried],
        title=f"\n{len(report.tried)} tried, {len(report.kept)} kept",
        wrapped=["why"],
        empty="nobody proposed anything for these files and this goal",
    )
    for line in filter(None, dict.fromkeys(map(_remedy, report.tried))):
        say(line)
    if report.remembered:
        say(f"{report.remembered} verdicts are of an earlier run")
    for note in report.notes:
        say(f"note: {note}")
    if report.next:
        say(f"\nnext: {report.next}")


def _print_learned(report: "Report") -> None:
    """Of the actor-critic: how far its forecasts can be trusted, and what it thinks of each arm."""
    if told := report.facts.get("calibration"):
        rank = "unknown" if told["rank"] is None else number(told["rank"])
        base = number(told["brier_of_base_rate"])
        say(f"critic: Brier {number(told['brier'])} (the base rate alone: {base}), rank correlation {rank}, "
            f"of {told['count']} forecasts")  # fmt: skip
    if arms := report.facts.get("arms"):
        rows = [[name, one["pulls before"], one["mean before"], one["pulls"], one["mean"]]
                for name, one in arms.items()]  # fmt: skip
        print_table(["arm", "pulls before", "mean before", "pulls", "mean"], rows, title="\npolicy")


def _row(one: "Tried") -> list[Any]:
    gain = f"{number(one.gain)} x" if one.gain is not None and one.fate in ("kept", "accepted") else ""
    why = one.why if one.fate in ("kept", "accepted") else one.reason
    where = f"{one.path.rpartition('/')[2]}:{one.function}" if one.function else one.path
    patch = short(one.patch) if one.patch else ""
    return [one.operator, where, Coloured(*FATES[one.fate]), gain, why, patch]


def _remedy(one: "Tried") -> str:
    """What would help; nothing where that only says again why it fell."""
    check = one.reason.partition(":")[0]
    again = not one.suggestion or one.suggestion.startswith(check)
    return "" if again else f"{one.operator}: {one.suggestion.splitlines()[0]}"


def _figure(value: Any) -> Any:
    return f"{value:.3g}" if isinstance(value, float) else value
