"""What was measured, in words for whoever proposes next."""

from bloomery.optimize.methods.crossing import CounterExample
from bloomery.optimize.methods.method import Judged
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.proposers.models.functions import functions
from bloomery.optimize.reporting import objections
from bloomery.optimize.surveying import Survey

LONGEST = 1500  # characters of what a test or a check says


def measured(judged: Judged, source: str, score: float | None = None) -> str:
    """A function as it was proposed, with what was measured of it."""
    worth = "" if score is None else f", score {score:.2f} of 1"
    return f"# {judged.proposal.operator}: {verdict_of(judged)}{worth}\n{source}"


def source_of(proposal: Proposal) -> str:
    """The function that it proposes, or the file where it is about more."""
    text = next(iter(proposal.texts.values()))
    return next((one.source for one in functions(text) if one.name == proposal.function), text)


def verdict_of(judged: Judged) -> str:
    against = objections(judged.verdict)
    if judged.verdict.accepted:
        return "accepted"
    if not against:
        return "nothing was gained"
    said = "; ".join(dict.fromkeys(filter(None, (against[0].reason, against[0].how))))
    return f"{against[0].check}: {_short(said)}"


def example(found: CounterExample) -> str:
    """The steps of a counter-example as a program, with what is another there."""
    lines = [line for step in found.steps for line in (*(f"{n} = {v}" for n, v in step.lets), step.call)]
    return "\n".join([f"# {_short(found.what)}", *lines])


def failing(survey: Survey, tests: tuple[str, ...]) -> list[str]:
    """Of these tests those that fail, with what they say."""
    wanted = set(tests)
    return [
        f"{one.node} ({one.status}): {_short(one.reason)}" for one in survey.failing if one.node in wanted
    ]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
