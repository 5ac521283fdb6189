"""What a plan is for, as one table: which equations, phases and files each intent has."""

from dataclasses import dataclass
from typing import Literal

from bloomery.core.errors import UnknownName
from bloomery.papers.planning.planned import IntentName, PartKind

Group = Literal["model", "training", "claims", "notebook", "extension"]
Start = Literal["equations", "everything", "chosen", "measured"]


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What an intent asks for; whatever it starts from, all that this stands on comes along."""

    name: IntentName
    title: str
    aim: str
    start: Start
    phases: tuple[int, ...]
    groups: frozenset[Group]


ALL: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
PARTS_ONLY: tuple[int, ...] = (1, 2, 3, 6, 7, 8)
INTENTS: dict[IntentName, Intent] = {
    intent.name: intent
    for intent in (
        Intent(
            name="validate",
            title="Validate",
            aim="each equation as tested code, to see whether the mathematics holds as it is printed",
            start="equations",
            phases=PARTS_ONLY,
            groups=frozenset(),
        ),
        Intent(
            name="full",
            title="Full Reproduction",
            aim="every equation, algorithm and module, models made of them, their training, and a "
            "comparison with each number that the papers claim",
            start="everything",
            phases=ALL,
            groups=frozenset({"model", "training", "claims", "notebook"}),
        ),
        Intent(
            name="component",
            title="Specific Component",
            aim="the chosen parts and all that they stand on, as layers to be used elsewhere",
            start="chosen",
            phases=PARTS_ONLY,
            groups=frozenset({"notebook"}),
        ),
        Intent(
            name="extend",
            title="Extend",
            aim="the whole method as a ground that trains, and beside it an extension of our own that is "
            "measured against the ground",
            start="everything",
            phases=ALL,
            groups=frozenset({"model", "training", "notebook", "extension"}),
        ),
        Intent(
            name="benchmark",
            title="Benchmark",
            aim="what the papers' models consist of, trained and compared with each claimed number; "
            "equations that no model uses are left out",
            start="measured",
            phases=ALL,
            groups=frozenset({"model", "training", "claims"}),
        ),
    )
}
STARTS: dict[Start, tuple[PartKind, ...]] = {  # kinds of parts to begin with
    "equations": ("equation",),
    "everything": ("equation", "algorithm", "module"),
    "chosen": (),
    "measured": ("algorithm", "module"),  # a paper without either: its equations
}
PHASES_LEFT_OUT: dict[int, str] = {
    4: "no model is assembled",
    5: "nothing is trained",
}


def intent_of(name: str) -> Intent:
    """Raises: UnknownName."""
    for key, intent in INTENTS.items():
        if key == name:
            return intent
    raise UnknownName("intent", name, INTENTS)
