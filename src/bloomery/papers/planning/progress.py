"""How far a plan is, derived from what a checker found; nobody types it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bloomery.core.errors import UnknownName
from bloomery.papers.planning.judged import STATES, Check, Checkpoint, State
from bloomery.papers.planning.planned import Plan, Task

RANK: dict[str, int] = {state: rank for rank, state in enumerate(STATES)}


@dataclass(frozen=True)
class Progress:
    """What is done of a plan, by the states of equations, files, tests and gates.

    A state holds for what it names: an equation or part (`titans:13`), a file, a test (`file::test_name`), a
    claim, or a gate (`gate ruff check`). Of what nobody stated nothing is done.
    """

    plan: Plan
    states: Mapping[str, State]

    def reached(self, key: str, least: State = "passing") -> bool:
        """Whether something has come so far; of a group of tasks, whether each of them is done."""
        if tasks := self.plan.by_group.get(key):
            return all(task.id in self.done for task in tasks)
        return RANK[self.states.get(key, "missing")] >= RANK[least]

    @cached_property
    def done(self) -> frozenset[str]:
        """Ids of tasks."""
        return frozenset(task.id for task in self.plan.tasks if self._done(task))

    def _done(self, task: Task) -> bool:
        """What is stated of a task's files and equations has come far enough, and something is stated."""
        least: State = "failing" if task.kind == "equation test" else "passing"
        stated = [key for key in (task.file, task.passes, *task.equations) if key in self.states]
        judged = task.passes in self.states or not task.passes or bool(set(task.equations) & set(stated))
        return bool(stated) and judged and all(RANK[self.states[key]] >= RANK[least] for key in stated)

    def ticked(self, one: Check | Checkpoint) -> bool:
        """Whether all that a check is of has come so far."""
        least: State = one.at_least if isinstance(one, Check) else "passing"
        return bool(one.of) and all(self.reached(key, least) for key in one.of)

    def of_phase(self, number: int) -> tuple[int, int]:
        """Tasks that are done, and all."""
        tasks = [task.id for task in self.plan.tasks if task.id.startswith(f"{number}.")]
        return sum(task in self.done for task in tasks), len(tasks)


def progress(plan: Plan, statuses: Mapping[str, str]) -> Progress:
    """What is done of a plan, where `statuses` says how far each equation, file and gate is.

    Raises: UnknownName for a state that is none of `STATES`.
    """
    return Progress(plan, {key: _state(value) for key, value in statuses.items()})


def _state(value: str) -> State:
    for state in STATES:
        if state == value:
            return state
    raise UnknownName("state", value, STATES)


def asked(plan: Plan) -> list[str]:
    """Every key whose state a box of the plan depends on, sorted: what a checker should state."""
    keys = {key for task in plan.tasks for key in (task.file, task.passes, *task.equations) if key}
    checks = [check for phase in plan.phases for check in phase.checks]
    checks += [check for phase in plan.phases for group in phase.groups for check in group.checks]
    checks += [check for goal in plan.goals for check in goal.checks]
    keys |= {key for check in checks for key in check.of if key not in plan.by_group}
    return sorted(keys | {key for one in plan.checkpoints if not one.left_out for key in one.of})
