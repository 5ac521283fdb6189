"""What a language model thinks of a change: told beside the findings, marked as opinion, deciding nothing."""

from dataclasses import dataclass

from bloomery.agents.errors import BudgetSpent, NoAnswer, NoModel
from bloomery.agents.prompting import prompt
from bloomery.agents.questions import Ask
from bloomery.core.tokens import mask
from bloomery.optimize.reviewing.change import Change, Changed

NEAR = 3  # lines around a changed one that a remark may stand on
MOST_LINES = 1500  # of a file that is shown
GOAL = "bugs, security and robustness, in the lines that are marked with > as changed"


@dataclass(frozen=True)
class Opinion:
    """A model's remark on a changed line; nobody checked it."""

    model: str
    path: str
    line: int
    kind: str
    claim: str
    suggestion: str


def opinions(change: Change, ask: Ask) -> tuple[tuple[Opinion, ...], str]:
    """The remarks, and why there are no more of them; empty where every file was looked at."""
    found: list[Opinion] = []
    for file in change.files:
        if file.after is None or not file.lines or file.after.count("\n") > MOST_LINES:
            continue
        try:
            found += _of_file(file, ask)
        except (NoModel, BudgetSpent) as error:
            return tuple(found), str(error)
        except NoAnswer:
            continue  # who asks logs it; the other files are still asked about
    return tuple(found), ""


def _of_file(file: Changed, ask: Ask) -> list[Opinion]:
    from bloomery.agents.answers import Analysis

    answer = ask(prompt("analyse").fill(path=file.path, source=_marked(file), goal=GOAL), Analysis)
    near = {line + away for line in file.lines for away in range(-NEAR, NEAR + 1)}
    return [
        Opinion(answer.model, file.path, one.line, one.kind, one.claim, one.suggestion)
        for one in answer.value.findings
        if one.line in near
    ]


def _marked(file: Changed) -> str:
    """Without what looks like a key: it would leave the machine."""
    lines = mask(file.after or "").splitlines()
    return "\n".join(f"{'>' if at in file.lines else ' '}{at:5} {line}" for at, line in enumerate(lines, 1))
