"""A task's part in a mixture, as a recipe writes it."""

from dataclasses import dataclass

from bloomery.core.config import option


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """One task's part in a mixture."""

    weight: float = option(1.0, help="how often it is drawn, relative to the others", low=0)
    difficulties: tuple[int, ...] = option((), help="drawn evenly; empty for all that the task has")
    judged: tuple[int, ...] = option((), help="difficulties of the exam; empty for those that are drawn")
    at_once: bool = option(
        True, help="whether answers without a thought are judged; false: answers after a thought alone"
    )
    options: dict[str, int | str] = option(factory=dict, help="the task's own options")
