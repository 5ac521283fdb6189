"""Rewrites that keep the meaning, each with the conditions under which it does.

A rewrite is proven where all its conditions are; elsewhere it is a candidate, which names what is left to
validation. Nothing is proposed where a condition is known to be broken.
"""

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue
from bloomery.optimize.proposers.rewrites.comparing import COMPARED
from bloomery.optimize.proposers.rewrites.compiling import COMPILED
from bloomery.optimize.proposers.rewrites.counting import COUNTED
from bloomery.optimize.proposers.rewrites.divisors import DIVISORS
from bloomery.optimize.proposers.rewrites.filling import FILLED
from bloomery.optimize.proposers.rewrites.joining import JOINED
from bloomery.optimize.proposers.rewrites.letters import LETTERS
from bloomery.optimize.proposers.rewrites.lists import LISTS
from bloomery.optimize.proposers.rewrites.loops import LOOPED
from bloomery.optimize.proposers.rewrites.members import MEMBERS
from bloomery.optimize.proposers.rewrites.membership import MEMBERSHIP
from bloomery.optimize.proposers.rewrites.numbers import NUMBERS
from bloomery.optimize.proposers.rewrites.pairing import PAIRED
from bloomery.optimize.proposers.rewrites.sums import SUMS
from bloomery.optimize.proposers.rewrites.texts import TEXTS
from bloomery.optimize.proposers.rewrites.totals import TOTALS

SEARCHING: Catalogue = MEMBERSHIP | COUNTED | COMPARED
WRITING: Catalogue = TEXTS | LETTERS | JOINED | COMPILED
LISTING: Catalogue = LISTS | FILLED | MEMBERS
COUNTING: Catalogue = SUMS | TOTALS | DIVISORS | NUMBERS
LOOPING: Catalogue = PAIRED | LOOPED
REWRITES: Catalogue = SEARCHING | WRITING | LISTING | COUNTING | LOOPING
