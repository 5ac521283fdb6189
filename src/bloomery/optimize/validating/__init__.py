"""Whether a change may be put up for approval: the checks of a level, the cheapest first, with evidence."""

from bloomery.optimize.validating.verdict import LEVELS, Level, Verdict

__all__ = ["LEVELS", "Level", "Verdict"]
