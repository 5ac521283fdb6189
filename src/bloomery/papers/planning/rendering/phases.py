"""Section 2: the phases with their tasks, commands and boxes."""

import dataclasses
from collections.abc import Callable, Sequence

from bloomery.papers.planning.durations import told
from bloomery.papers.planning.judged import Sizes
from bloomery.papers.planning.phases.models import MODEL_TESTS
from bloomery.papers.planning.phases.tests_first import STANDARD
from bloomery.papers.planning.planned import Group, Phase, Plan, Task
from bloomery.papers.planning.progress import Progress
from bloomery.papers.planning.rendering.forms import boxes, fence, mark, table

DELIVERABLES = {1: "Deliverables", 2: "Verification Criteria", 4: "Model Tests", 5: "Training Loop Checklist"}
Columns = tuple[tuple[str, Callable[[Plan, Task], str]], ...]


def _file(_: Plan, task: Task) -> str:
    return f"`{task.file}`" if task.file else task.title


def _title(_: Plan, task: Task) -> str:
    return task.title


def _detail(_: Plan, task: Task) -> str:
    return task.detail or "-"


def _described(_: Plan, task: Task) -> str:
    return f"{task.title}: {task.detail}" if task.detail and task.file else task.detail or task.title


def _priority(_: Plan, task: Task) -> str:
    return task.priority


def _judged(_: Plan, task: Task) -> str:
    return f"`{task.passes.removeprefix('tests/')}`" if task.passes else "-"


def _needed(plan: Plan, task: Task) -> str:
    """The modules to be written before; that their tests are is understood."""
    return ", ".join(plan.modules[need] for need in task.needs if need in plan.modules) or "None"


COLUMNS: dict[int, Columns] = {
    1: (("Step", _title), ("Output", _file), ("What", _detail)),
    2: (("Equation", _title), ("Test File", _file), ("Priority", _priority)),
    3: (
        ("Module", _file),
        ("Implements", _title),
        ("Dependencies", _needed),
        ("Tests to Pass", _judged),
        ("Priority", _priority),
    ),
    4: (("Model", _title), ("File", _file), ("Components", _detail), ("Test", _judged)),
    5: (("Component", _file), ("Description", _described)),
    6: (("Gate", _title), ("Expected", _detail)),
    7: (("Output", _file), ("Content", _title)),
    8: (("Step", _title), ("Remark", _detail)),
}


def section(plan: Plan, progress: Progress) -> list[str]:
    lines = ["## 2. IMPLEMENTATION PHASES", ""]
    for phase in plan.phases:
        lines += [*_phase(plan, phase, progress), "---", ""]
    return lines


def _phase(plan: Plan, phase: Phase, progress: Progress) -> list[str]:
    heading = [f"### Phase {phase.number}: {phase.title}"]
    if phase.left_out:
        return [*heading, "**Duration:** none", "", f"{phase.left_out} The phase keeps its number.", ""]
    return [
        *heading,
        f"**Duration:** {told(plan.minutes(phase.number))}",
        "",
        phase.about,
        "",
        *_between(plan, phase, progress),
        *_commands("Commands", phase.commands),
        *_labelled(
            DELIVERABLES.get(phase.number, "Quality Gates" if phase.number == 6 else "Done when"),
            boxes(phase.checks, progress),
        ),
    ]


def _between(plan: Plan, phase: Phase, progress: Progress) -> list[str]:
    lines = _template(plan) if phase.number == 2 else _model_template(plan) if phase.number == 4 else []
    for group in phase.groups:
        if "." in group.number:
            lines += [f"#### Phase {group.number}: {group.title}", ""]
        lines += _tasks(plan, phase, group, progress)
        lines += _sizes(plan) if phase.number == 5 and group is phase.groups[0] else []
        ticks = boxes(group.checks, progress)
        run = _commands("Checkpoint", group.commands, group.expected)
        label = DELIVERABLES.get(phase.number)
        lines += [*_labelled(label, ticks), *run] if label else [*run, *ticks]
    return [*lines, *_message(plan)] if phase.number == 8 else lines


def _tasks(plan: Plan, phase: Phase, group: Group, progress: Progress) -> list[str]:
    columns = COLUMNS[phase.number]
    rows = (
        (task.id, *(show(plan, task) for _, show in columns), mark(task.id in progress.done))
        for task in plan.by_group.get(group.number, [])
    )
    return table(("Task", *(name for name, _ in columns), "Done"), rows)


def _sizes(plan: Plan) -> list[str]:
    """The configurations side by side."""
    names = [field.name for field in dataclasses.fields(Sizes)]
    rows = (
        (f"`{config.path}`", *(str(getattr(config.sizes, name)) for name in names)) for config in plan.configs
    )
    return table(("Config", *(name.capitalize() for name in names)), rows)


def _labelled(label: str, lines: Sequence[str]) -> list[str]:
    return [f"**{label}:**", *lines] if lines else []


def _commands(label: str, commands: Sequence[str], expected: str = "") -> list[str]:
    if not commands:
        return []
    note = [f"# Expected: {expected}"] if expected else []
    return [f"**{label}:**", *fence([*commands, *note], "bash")]


def _template(plan: Plan) -> list[str]:
    """What a test file holds, shown on the first of them."""
    tasks = [task for task in plan.tasks if task.kind == "equation test"]
    if not tasks:
        return ["This plan has no equation to test.", ""]
    paper, _, number = tasks[0].equations[0].partition(":")
    told_number = number if number.isdigit() and str(int(number)) == number else f'"{number}"'
    body = [
        f"# {tasks[0].file}",
        "import pytest",
        "",
        f'pytestmark = pytest.mark.equation("{paper}", {told_number})',
        "",
        *(f"def {name}(): ...  # {what}" for name, what in STANDARD),
        "def test_against_an_independent_oracle(): ...  # the interpreted formula, or a limiting case",
    ]
    return ["**Test Template per Equation:**", *fence(body, "python")]


def _model_template(plan: Plan) -> list[str]:
    tasks = [task for task in plan.tasks if task.kind == "model"]
    body = [f"# {tasks[0].passes}", *(f"def {name}(): ...  # {what}" for name, what in MODEL_TESTS)]
    return ["**Test Template per Model:**", *fence(body, "python")]


def _message(plan: Plan) -> list[str]:
    """The commands that commit; the message goes in as it is, whatever it holds."""
    end = "MESSAGE"
    while end in plan.commit_message.split("\n"):
        end += "_"
    return [
        "**Commands:**",
        *fence(
            [
                "git init",
                "git add .",
                f"git commit --file=- <<'{end}'",
                *plan.commit_message.split("\n"),
                end,
                "",
                "# when you decide to publish",
                f"gh repo create {plan.project} --public --source=. --remote=origin --push",
            ],
            "bash",
        ),
    ]
