"""Whether a change may be put up for approval: the checks of a level, the cheapest first, with evidence."""

from bloomery.optimize.validating.caching import Cache, Forgetful
from bloomery.optimize.validating.validating import validate
from bloomery.optimize.validating.verdict import LEVELS, Level, Verdict

__all__ = ["LEVELS", "Cache", "Forgetful", "Level", "Verdict", "validate"]
