"""The proposers that need no model: rewrites of our own, calls of libraries, and both together."""

from bloomery.optimize.proposers.composing import CatalogueProposer
from bloomery.optimize.proposers.rewrites import REWRITES
from bloomery.optimize.proposers.substitutions import SUBSTITUTIONS


def rewrites() -> CatalogueProposer:
    return CatalogueProposer("rewrites", REWRITES)


def substitutions() -> CatalogueProposer:
    return CatalogueProposer("substitutions", SUBSTITUTIONS)


def catalogue() -> CatalogueProposer:
    """Library calls first: where both fit, they are the shorter way."""
    return CatalogueProposer("catalogue", SUBSTITUTIONS | REWRITES)
