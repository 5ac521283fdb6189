"""Which of the candidates that pass is likely the right one: the least change that breaks nothing else."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from bloomery.optimize.proposers.repair.edits import Edit
from bloomery.optimize.proposers.repair.growth import slower

ORIGINAL = -1
MUCH_SLOWER = 2
FEW = 0.02  # of the inputs
DRAWN, EDGES = ("drawn", "near"), ("edge",)


@dataclass(frozen=True)
class Answer:
    """One candidate's answer to one input: `ended` is returned, steps, or an exception's name."""

    ended: str
    digest: str
    steps: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Why a candidate stands where it does; `penalty` orders, the least first.

    `disagrees`: share of the calls in passing tests where it answers otherwise than the original did;
    `raises`: share of drawn inputs where it raises what the original does not; `grows`: how many times more
    steps than usual it needs on the largest inputs, 1 at most counting as none; `alike`: how many of the
    candidates that pass answer as it does; `strays`: where the tests failed by exceptions or without end,
    the share of drawn inputs that the original answered and it answers otherwise; `slows`: how many times the
    original's steps it takes on the largest inputs, where its order of growth is another, else 1.
    """

    penalty: float
    size: float
    removes: int
    disagrees: float
    raises: float
    grows: float
    alike: int
    strays: float = 0.0
    slows: float = 1.0

    @property
    def is_slower(self) -> bool:
        """Whether it needs more steps on large inputs than others, or than the original where right."""
        return self.grows > MUCH_SLOWER or self.slows > 1

    @property
    def order(self) -> tuple[bool, float]:
        """What is slower stands behind all that is not, however small."""
        return self.is_slower, self.penalty

    @property
    def is_doubtful(self) -> bool:
        return (
            self.disagrees > 0 or self.raises > FEW or self.is_slower or self.removes > 0 or self.strays > FEW
        )


Answers = Mapping[int, Mapping[int, Answer]]


def standings(
    edits: Mapping[int, Edit], kinds: Mapping[int, str], answers: Answers, *, crashed: bool = False
) -> dict[int, Standing]:
    """`answers`: by candidate (-1: the original), then by input; `kinds`: what sort of input each is.

    `crashed`: no failing test failed by a wrong answer, so that the original is right where it answers.
    """
    original = answers.get(ORIGINAL, {})
    behaviours = {name: _behaviour(kinds, answers.get(name, {})) for name in edits}
    alike = Counter(behaviours.values())
    usual = _usual_steps(kinds, answers, list(edits))
    return {
        name: _standing(edit, kinds, original, answers.get(name, {}), alike[behaviours[name]], usual, crashed)
        for name, edit in edits.items()
    }


def _standing(
    edit: Edit,
    kinds: Mapping[int, str],
    original: Mapping[int, Answer],
    answers: Mapping[int, Answer],
    alike: int,
    usual: Mapping[int, float],
    crashed: bool,
) -> Standing:
    disagrees = _share([i for i in kinds if kinds[i] == "passed"], lambda i: _differs(original, answers, i))
    raises = max(
        _share([i for i in kinds if kinds[i] in some], lambda i: _raises_anew(original, answers, i))
        for some in (DRAWN, EDGES)
    )
    answered = [i for i in kinds if kinds[i] in DRAWN and i in original and original[i].ended == "returned"]
    strays = _share(answered, lambda i: _differs(original, answers, i)) if crashed else 0.0
    grows = max([1.0, *(answers[i].steps / (usual[i] + 20) for i in usual if i in answers)])
    penalty = 0.35 * edit.size + 0.9 * edit.cost + 0.6 * edit.removes - 0.25 * math.log2(alike)
    penalty += 6 * disagrees + (1.5 if raises > FEW else 0) + 3 * raises
    penalty += 4 * strays + (3.5 if strays > FEW else 0)
    penalty -= 0.5 * math.log(max(edit.score, 1e-6))
    return Standing(
        penalty=penalty,
        size=edit.size,
        removes=edit.removes,
        disagrees=disagrees,
        raises=raises,
        grows=grows,
        alike=alike,
        strays=strays,
        slows=slower(kinds, original, answers),
    )


def _share(inputs: Sequence[int], holds: Any) -> float:
    return sum(map(holds, inputs)) / len(inputs) if inputs else 0.0


def _differs(original: Mapping[int, Answer], answers: Mapping[int, Answer], place: int) -> bool:
    was, now = original.get(place), answers.get(place)
    return was is not None and (now is None or (was.ended, was.digest) != (now.ended, now.digest))


def _raises_anew(original: Mapping[int, Answer], answers: Mapping[int, Answer], place: int) -> bool:
    was, now = original.get(place), answers.get(place)
    if now is None:
        return True
    return now.ended != "returned" and was is not None and was.ended != now.ended


def _behaviour(kinds: Mapping[int, str], answers: Mapping[int, Answer]) -> tuple[tuple[str, str], ...]:
    asked = [place for place in kinds if not kinds[place].startswith("grown")]
    return tuple((answers[i].ended, answers[i].digest) if i in answers else ("", "") for i in asked)


def _usual_steps(kinds: Mapping[int, str], answers: Answers, names: Sequence[int]) -> dict[int, float]:
    """Steps on the largest inputs: the original's where it ends, else the middle one of the candidates'."""
    found: dict[int, float] = {}
    by_function: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, kind in kinds.items():
        if kind.startswith("grown:"):
            _, name, factor = kind.split(":")
            by_function[name].append((int(factor), place))
    for places in by_function.values():
        place = max(places)[1]
        own = answers.get(ORIGINAL, {}).get(place)
        ended = [
            answers[n][place].steps
            for n in names
            if place in answers.get(n, {}) and _ended(answers[n][place])
        ]
        if own is not None and own.ended == "returned":
            found[place] = max([float(own.steps), *([median_low(ended)] if ended else [])])
        elif ended:
            found[place] = float(median_low(ended))
    return found


def _ended(answer: Answer) -> bool:
    return answer.ended == "returned"


def read_answers(told: Sequence[Sequence[Any]]) -> tuple[dict[int, str], dict[int, dict[int, Answer]]]:
    kinds: dict[int, str] = {}
    answers: dict[int, dict[int, Answer]] = defaultdict(dict)
    for line in told:
        if line[0] == "input":
            kinds[line[1]] = line[2]
        elif line[0] == "answer" and len(line) == 6:
            answers[line[1]][line[2]] = Answer(line[3], line[4], line[5])
    return kinds, answers
