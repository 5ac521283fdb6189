"""Rewrites that keep the meaning, each with the conditions under which it does.

A rewrite is proven where all its conditions are; elsewhere it is a candidate, which names what is left to
validation. Nothing is proposed where a condition is known to be broken.
"""

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue
from bloomery.optimize.proposers.rewrites.lists import LISTS
from bloomery.optimize.proposers.rewrites.loops import LOOPED
from bloomery.optimize.proposers.rewrites.membership import MEMBERSHIP
from bloomery.optimize.proposers.rewrites.numbers import NUMBERS
from bloomery.optimize.proposers.rewrites.sums import SUMS
from bloomery.optimize.proposers.rewrites.texts import TEXTS

REWRITES: Catalogue = MEMBERSHIP | TEXTS | LISTS | SUMS | NUMBERS | LOOPED
