"""A change reviewed by what can be measured of it: `review(folder, "main..HEAD")`, no model needed."""

from bloomery.optimize.reviewing.checks import CHECKS
from bloomery.optimize.reviewing.finding import Finding, Looked
from bloomery.optimize.reviewing.reviewing import Review, review

__all__ = ["CHECKS", "Finding", "Looked", "Review", "review"]
